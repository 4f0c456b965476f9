-- Messages by time, bodies in pieces, retention.
--
-- Messages and what hangs on them are partitioned by `day`: the day (UTC, counted from the epoch) on which SES's
-- MessageId was made, 0 for ids of another form. So retention drops a day instead of deleting its rows, and whoever has
-- the id of a message reads one partition. Partitions are called TABLE_YYYYMMDD. What has none goes to TABLE_default, so
-- that an insert never fails; upkeep makes those of the coming days beforehand.
--
-- Sequences stand apart from the tables: identity columns and partitions go together from PostgreSQL 17 on only.

alter table messages rename to old_messages;
alter table bodies rename to old_bodies;
alter table recipients rename to old_recipients;
alter table events rename to old_events;
alter table attempts rename to old_attempts;
alter index messages_pkey rename to old_messages_pkey;
alter index messages_by_seq rename to old_messages_by_seq;
alter index messages_by_id rename to old_messages_by_id;
alter index bodies_pkey rename to old_bodies_pkey;
alter index recipients_pkey rename to old_recipients_pkey;
alter index events_pkey rename to old_events_pkey;
alter index attempts_pkey rename to old_attempts_pkey;

-- `stored`: octets of the body as it lies here. `pieces`: 0, or the number of pieces that the body is kept in.
create table messages (
  seq bigint not null default nextval('message_numbers'),
  account text collate "C" not null,
  region text collate "C" not null,
  id text collate "C" not null,
  day integer not null,
  accepted_at bigint not null,
  stored bigint not null,
  pieces integer not null,
  recipients_search text not null,
  sender_search text not null,
  subject_search text not null,
  document text not null,
  primary key (account, region, id, day)
) partition by range (day);

create index messages_by_seq on messages (seq);
create index messages_by_id on messages (id);

-- How `data` is kept: `encoding` is `identity`, or `zstd`.
create table bodies (
  seq bigint not null,
  account text collate "C" not null,
  region text collate "C" not null,
  day integer not null,
  encoding text not null,
  data bytea not null,
  primary key (account, seq, day)
) partition by range (day);

-- Large bodies. They are written before the message is accepted, and stay when it is removed until they are swept:
-- a body in pieces that no message refers to (yet, or any more) has a row in `loose_bodies`.
create table body_pieces (
  account text collate "C" not null,
  region text collate "C" not null,
  message_id text collate "C" not null,
  day integer not null,
  position integer not null,
  encoding text not null,
  data bytea not null,
  primary key (account, region, message_id, position, day)
) partition by range (day);

-- They come compressed where that pays.
alter table body_pieces alter column data set storage external;

create table recipients (
  account text collate "C" not null,
  region text collate "C" not null,
  message_id text collate "C" not null,
  day integer not null,
  position integer not null,
  address text not null,
  mailbox text not null,
  field text not null,
  status text not null,
  reply text,
  updated_at bigint not null,
  primary key (account, region, message_id, position, day)
) partition by range (day);

create sequence event_numbers;

create table events (
  seq bigint not null default nextval('event_numbers'),
  account text collate "C" not null,
  region text collate "C" not null,
  message_id text collate "C" not null,
  day integer not null,
  type text not null,
  at bigint not null,
  json text not null,
  primary key (account, region, message_id, seq, day)
) partition by range (day);

create sequence attempt_numbers;

create table attempts (
  seq bigint not null default nextval('attempt_numbers'),
  account text collate "C" not null,
  region text collate "C" not null,
  message_id text collate "C" not null,
  day integer not null,
  destination text not null,
  at bigint not null,
  duration_ms bigint not null,
  transport text not null,
  transcript text not null,
  primary key (account, region, message_id, seq, day)
) partition by range (day);

-- `since`: when the first piece was written; 0 when the message was removed.
create table loose_bodies (
  account text collate "C" not null,
  region text collate "C" not null,
  message_id text collate "C" not null,
  day integer not null,
  since bigint not null,
  primary key (account, region, message_id)
);

-- What is held, per day: messages, and octets of their bodies as stored. A change is only ever appended, so that no
-- two writers wait for one another; upkeep adds them up.
create table held (
  account text collate "C" not null,
  region text collate "C" not null,
  day integer not null,
  messages bigint not null,
  bytes bigint not null,
  primary key (account, region, day)
);

create table held_changes (
  id bigint generated always as identity,
  account text collate "C" not null,
  region text collate "C" not null,
  day integer not null,
  messages bigint not null,
  bytes bigint not null,
  primary key (account, region, id)
);

-- The twelve hex digits after the region's four are milliseconds since the epoch.
create temporary table moved on commit drop as
  select seq, account, region, id, case when id ~ '^[0-9a-f]{16}-'
    then (('x' || substr(id, 5, 12))::bit(48)::bigint / 86400000)::integer else 0 end as day
  from old_messages;
create index on moved (account, region, id);
create index on moved (account, seq);
analyze moved;

do $$
declare
  name text;
  found record;
begin
  foreach name in array array['messages', 'bodies', 'body_pieces', 'recipients', 'events', 'attempts'] loop
    execute format('create table %I partition of %I default', name || '_default', name);
    -- Of years with four digits.
    for found in select distinct day from moved where day > 0 and day < 2932897 order by day desc limit 400 loop
      execute format('create table %I partition of %I for values from (%s) to (%s)',
        name || '_' || to_char(date '1970-01-01' + found.day, 'YYYYMMDD'), name, found.day, found.day + 1);
    end loop;
  end loop;
  -- Room for the outcome of each recipient beside it.
  for found in select inhrelid::regclass as partition from pg_inherits where inhparent = 'recipients'::regclass loop
    execute format('alter table %s set (fillfactor = 80)', found.partition);
  end loop;
end $$;

insert into messages (seq, account, region, id, day, accepted_at, stored, pieces, recipients_search, sender_search,
    subject_search, document)
  select seq, account, region, id, day, accepted_at, coalesce(octet_length(raw), 0), 0, recipients_search,
    sender_search, subject_search, document
  from old_messages join moved using (seq, account, region, id) left join old_bodies using (seq, account, region);
insert into bodies (seq, account, region, day, encoding, data)
  select seq, account, region, day, 'identity', raw from old_bodies join moved using (seq, account, region);
insert into recipients (account, region, message_id, day, position, address, mailbox, field, status, reply, updated_at)
  select old.account, old.region, message_id, day, position, address, mailbox, field, status, reply, updated_at
  from old_recipients as old join moved
    on moved.account = old.account and moved.region = old.region and moved.id = message_id;
insert into events (seq, account, region, message_id, day, type, at, json)
  select old.seq, old.account, old.region, message_id, day, type, at, json
  from old_events as old join moved
    on moved.account = old.account and moved.region = old.region and moved.id = message_id;
insert into attempts
    (seq, account, region, message_id, day, destination, at, duration_ms, transport, transcript)
  select old.seq, old.account, old.region, message_id, day, destination, at, duration_ms, transport, transcript
  from old_attempts as old join moved
    on moved.account = old.account and moved.region = old.region and moved.id = message_id;
insert into held
  select account, region, day, count(*), sum(stored) from messages group by account, region, day;

select setval('event_numbers', coalesce(max(seq), 0) + 1) from old_events;
select setval('attempt_numbers', coalesce(max(seq), 0) + 1) from old_attempts;

drop table old_messages, old_bodies, old_recipients, old_events, old_attempts;
