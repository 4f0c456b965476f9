-- Recipients at a site that were promised room from an address of ours that is being warmed up, by day (UTC, counted
-- from the epoch).
create table warmup_counts (
  day bigint not null,
  address text collate "C" not null,
  site text collate "C" not null,
  taken bigint not null,
  primary key (day, address, site)
);

-- The egress pool that an operator has moved the job to; null: that of its configuration set.
alter table jobs add column pool text collate "C";
