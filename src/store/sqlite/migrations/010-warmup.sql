-- Recipients at a site that were promised room from an address of ours that is being warmed up, by day (UTC, counted
-- from the epoch).
create table warmup_counts (
  day integer not null,
  address text not null,
  site text not null,
  taken integer not null,
  primary key (day, address, site)
) strict, without rowid;

-- The egress pool that an operator has moved the job to; null: that of its configuration set.
alter table jobs add column pool text;
