-- Messages by time, bodies in pieces, retention.
--
-- `day`: the day (UTC, counted from the epoch) on which SES's MessageId was made, 0 for ids of another form. It is what
-- PostgreSQL's tables are partitioned by. Here the tables stay plain: SQLite has no partitions, its writer deletes the
-- oldest rows in small transactions without anybody waiting, and the pages that they leave are used again. The column
-- is here all the same, so that both engines are asked in the same words.

-- `stored`: octets of the body as it lies here. `pieces`: 0, or the number of pieces that the body is kept in.
alter table messages add column day integer not null default 0;
alter table messages add column stored integer not null default 0;
alter table messages add column pieces integer not null default 0;

update messages set stored = (select length(raw) from bodies where bodies.seq = messages.seq);
-- The twelve hex digits after the region's four: milliseconds since the epoch.
update messages set day = (
  (instr('0123456789abcdef', substr(id, 5, 1)) - 1 << 44) + (instr('0123456789abcdef', substr(id, 6, 1)) - 1 << 40)
  + (instr('0123456789abcdef', substr(id, 7, 1)) - 1 << 36) + (instr('0123456789abcdef', substr(id, 8, 1)) - 1 << 32)
  + (instr('0123456789abcdef', substr(id, 9, 1)) - 1 << 28) + (instr('0123456789abcdef', substr(id, 10, 1)) - 1 << 24)
  + (instr('0123456789abcdef', substr(id, 11, 1)) - 1 << 20) + (instr('0123456789abcdef', substr(id, 12, 1)) - 1 << 16)
  + (instr('0123456789abcdef', substr(id, 13, 1)) - 1 << 12) + (instr('0123456789abcdef', substr(id, 14, 1)) - 1 << 8)
  + (instr('0123456789abcdef', substr(id, 15, 1)) - 1 << 4) + (instr('0123456789abcdef', substr(id, 16, 1)) - 1)
) / 86400000
where substr(id, 1, 16) not glob '*[^0-9a-f]*' and substr(id, 17, 1) = '-';

alter table bodies add column day integer not null default 0;
-- How `data` is kept: `identity`, or `zstd`.
alter table bodies add column encoding text not null default 'identity';
alter table bodies rename column raw to data;
update bodies set day = (select day from messages where messages.seq = bodies.seq);

alter table recipients add column day integer not null default 0;
alter table events add column day integer not null default 0;
alter table attempts add column day integer not null default 0;
update recipients set day = coalesce((select day from messages where id = message_id), 0);
update events set day = coalesce((select day from messages where id = message_id), 0);
update attempts set day = coalesce((select day from messages where id = message_id), 0);

-- Large bodies. They are written before the message is accepted, and stay when it is removed until they are swept:
-- a body in pieces that no message refers to (yet, or any more) has a row in `loose_bodies`.
create table body_pieces (
  account text not null,
  region text not null,
  day integer not null,
  message_id text not null,
  position integer not null,
  encoding text not null,
  data blob not null
) strict;

create unique index body_pieces_by_message on body_pieces (account, region, message_id, position);

-- `since`: when the first piece was written; 0 when the message was removed.
create table loose_bodies (
  account text not null,
  region text not null,
  message_id text not null,
  day integer not null,
  since integer not null,
  primary key (account, region, message_id)
) strict, without rowid;

-- What is held, per day: messages, and octets of their bodies as stored. A change is only ever appended, so that no
-- two writers wait for one another; upkeep adds them up.
create table held (
  account text not null,
  region text not null,
  day integer not null,
  messages integer not null,
  bytes integer not null,
  primary key (account, region, day)
) strict, without rowid;

create table held_changes (
  id integer primary key,
  account text not null,
  region text not null,
  day integer not null,
  messages integer not null,
  bytes integer not null
) strict;

insert into held select account, region, day, count(*), sum(stored) from messages group by account, region, day;

-- Whether a message has jobs that have not ended: 1.5 µs of the 50 that an acceptance costs here, and its keys grow at
-- one end. Without it each look would go through all jobs.
create index jobs_by_message on jobs (account, region, message_id);
