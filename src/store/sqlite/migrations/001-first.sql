-- The tables of the first version. Every key leads with account and region, except where SES itself looks a thing up
-- without knowing them (an access key, a MessageId). Times are milliseconds since the epoch.

create table accounts (
  id text not null primary key,
  name text not null,
  email text,
  created_at integer not null
) strict, without rowid;

create table account_settings (
  account text not null,
  region text not null,
  document text not null,
  primary key (account, region)
) strict, without rowid;

create table access_keys (
  id text not null primary key,
  account text not null,
  user_name text not null,
  secret text not null,
  policy text,
  active integer not null,
  session_token text,
  expires_at integer,
  created_at integer not null
) strict, without rowid;

create index access_keys_by_account on access_keys (account);

create table identities (
  account text not null,
  region text not null,
  name text not null,
  kind text not null,
  next_check_at integer,
  document text not null,
  primary key (account, region, name)
) strict, without rowid;

create index identities_by_check on identities (next_check_at) where next_check_at is not null;

create table identity_policies (
  account text not null,
  region text not null,
  identity text not null,
  name text not null,
  policy text not null,
  primary key (account, region, identity, name),
  foreign key (account, region, identity) references identities (account, region, name) on delete cascade
) strict, without rowid;

create table configuration_sets (
  account text not null,
  region text not null,
  name text not null,
  document text not null,
  primary key (account, region, name)
) strict, without rowid;

-- `seq` never comes twice, not even after the last message was removed: whoever reads on from a `seq` misses nothing.
-- What a search looks at stands before the document, so that it reads no overflow page.
create table messages (
  seq integer primary key autoincrement,
  account text not null,
  region text not null,
  id text not null unique,
  accepted_at integer not null,
  recipients_search text not null,
  sender_search text not null,
  subject_search text not null,
  document text not null
) strict;

-- Apart from the messages, so that no listing ever reads them.
create table bodies (
  seq integer primary key,
  account text not null,
  region text not null,
  raw blob not null
) strict;

create table recipients (
  account text not null,
  region text not null,
  message_id text not null,
  position integer not null,
  address text not null,
  mailbox text not null,
  field text not null,
  status text not null,
  reply text,
  updated_at integer not null,
  primary key (account, region, message_id, position)
) strict, without rowid;

-- A job that has ended is deleted. `waiting`: not to be tried before `due_at`.
create table jobs (
  id integer primary key autoincrement,
  account text not null,
  region text not null,
  message_id text not null,
  destination text not null,
  recipients text not null,
  attempts integer not null,
  due_at integer not null,
  waiting integer not null
) strict;

-- Most jobs are tried at once and never enter it.
create index jobs_waiting on jobs (due_at, id) where waiting = 1;

create table events (
  seq integer primary key,
  account text not null,
  region text not null,
  message_id text not null,
  type text not null,
  at integer not null,
  json text not null
) strict;

create index events_by_message on events (account, region, message_id);

create table attempts (
  seq integer primary key,
  account text not null,
  region text not null,
  message_id text not null,
  destination text not null,
  at integer not null,
  duration_ms integer not null,
  transport text not null,
  transcript text not null
) strict;

create index attempts_by_message on attempts (account, region, message_id);

-- Recipients accepted and what became of them, per minute: the quota of 24 hours, and the quarters of an hour of
-- GetSendStatistics.
create table sent_minutes (
  account text not null,
  region text not null,
  at integer not null,
  recipients integer not null,
  bounces integer not null,
  complaints integer not null,
  rejects integer not null,
  primary key (account, region, at)
) strict, without rowid;
