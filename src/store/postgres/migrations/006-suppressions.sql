-- Addresses that an account does not send to in a region. `reason`: BOUNCE or COMPLAINT. `updated_at`: milliseconds since
-- the epoch. `message_id` and `feedback_id`: of the bounce or complaint that put the address here; null: somebody did.
create table suppressions (
  account text collate "C" not null,
  region text collate "C" not null,
  address text collate "C" not null,
  reason text not null,
  updated_at bigint not null,
  message_id text,
  feedback_id text,
  primary key (account, region, address)
);
