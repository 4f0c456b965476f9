-- The tables of the first version, as SQLite has them (../../sqlite/migrations), with keys that lead with account and
-- region, so that a distributed PostgreSQL can shard every table by account. Where SES itself looks a thing up without
-- knowing them: an access key is unique by itself, and a MessageId has an index of its own beside its key.
--
-- Names are ordered by their octets, as on SQLite, whatever the locale of the database. Documents are text, not jsonb:
-- they are read and replaced whole, and jsonb takes no U+0000. Times are milliseconds since the epoch.

create table accounts (
  id text collate "C" primary key,
  name text not null,
  email text,
  created_at bigint not null
);

create table account_settings (
  account text collate "C" not null,
  region text collate "C" not null,
  document text not null,
  primary key (account, region)
);

create table access_keys (
  id text collate "C" primary key,
  account text collate "C" not null,
  user_name text not null,
  secret text not null,
  policy text,
  active smallint not null,
  session_token text,
  expires_at bigint,
  created_at bigint not null
);

create index access_keys_by_account on access_keys (account);

create table identities (
  account text collate "C" not null,
  region text collate "C" not null,
  name text collate "C" not null,
  kind text not null,
  next_check_at bigint,
  document text not null,
  primary key (account, region, name)
);

create index identities_by_check on identities (next_check_at) where next_check_at is not null;

create table identity_policies (
  account text collate "C" not null,
  region text collate "C" not null,
  identity text collate "C" not null,
  name text collate "C" not null,
  policy text not null,
  primary key (account, region, identity, name),
  foreign key (account, region, identity) references identities (account, region, name) on delete cascade
);

create table configuration_sets (
  account text collate "C" not null,
  region text collate "C" not null,
  name text collate "C" not null,
  document text not null,
  primary key (account, region, name)
);

create sequence message_numbers;

create table messages (
  seq bigint not null default nextval('message_numbers'),
  account text collate "C" not null,
  region text collate "C" not null,
  id text collate "C" not null,
  accepted_at bigint not null,
  recipients_search text not null,
  sender_search text not null,
  subject_search text not null,
  document text not null,
  primary key (account, region, id)
);

create index messages_by_seq on messages (seq);
create index messages_by_id on messages (id);

-- Apart from the messages, so that no listing ever reads them.
create table bodies (
  seq bigint not null,
  account text collate "C" not null,
  region text collate "C" not null,
  raw bytea not null,
  primary key (account, seq)
);

create table recipients (
  account text collate "C" not null,
  region text collate "C" not null,
  message_id text collate "C" not null,
  position integer not null,
  address text not null,
  mailbox text not null,
  field text not null,
  status text not null,
  reply text,
  updated_at bigint not null,
  primary key (account, region, message_id, position)
  -- Room for the outcome of each beside it.
) with (fillfactor = 80);

create sequence job_numbers;

-- A job that has ended is deleted. `waiting`: not to be tried before `due_at`.
create table jobs (
  id bigint not null default nextval('job_numbers'),
  account text collate "C" not null,
  region text collate "C" not null,
  message_id text collate "C" not null,
  destination text not null,
  recipients text not null,
  attempts integer not null,
  due_at bigint not null,
  waiting smallint not null,
  primary key (account, region, message_id, id)
);

-- The queue reads all accounts, in the order of acceptance.
create index jobs_by_id on jobs (id);
-- Most jobs are tried at once and never enter it.
create index jobs_waiting on jobs (due_at, id) where waiting = 1;

create table events (
  seq bigint generated always as identity,
  account text collate "C" not null,
  region text collate "C" not null,
  message_id text collate "C" not null,
  type text not null,
  at bigint not null,
  json text not null,
  primary key (account, region, message_id, seq)
);

create table attempts (
  seq bigint generated always as identity,
  account text collate "C" not null,
  region text collate "C" not null,
  message_id text collate "C" not null,
  destination text not null,
  at bigint not null,
  duration_ms bigint not null,
  transport text not null,
  transcript text not null,
  primary key (account, region, message_id, seq)
);

-- Recipients accepted and what became of them, per minute: the quota of 24 hours, and the quarters of an hour of
-- GetSendStatistics. Each row is changed by every acceptance of its minute, hence the room.
create table sent_minutes (
  account text collate "C" not null,
  region text collate "C" not null,
  at bigint not null,
  recipients bigint not null,
  bounces bigint not null,
  complaints bigint not null,
  rejects bigint not null,
  primary key (account, region, at)
) with (fillfactor = 50);
