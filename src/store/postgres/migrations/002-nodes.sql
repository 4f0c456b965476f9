-- Nodes, the claims of jobs, periodic tasks. Times in `nodes` are the database's, so that no node's clock matters.

-- A process from its start to its end. `until`: its lease; each heartbeat moves it on. Whoever finds it passed may give
-- the node up, which is to delete its row: what the node had is anybody's from then on.
create table nodes (
  id bigint generated always as identity primary key,
  hostname text not null,
  pid bigint not null,
  roles text not null,
  started_at bigint not null,
  seen_at bigint not null,
  until bigint not null
  -- Room for the next heartbeat beside the last.
) with (fillfactor = 50);

-- Periodic tasks that one node does for all, and the node that does. Its hold ends with its lease.
create table tasks (
  name text collate "C" primary key,
  node bigint not null
);

-- `owner`: the node that has the job, in its memory; null: nobody, and whoever claims it first may have it when it is
-- due. No foreign key: it would lock the node's row for each job.
alter table jobs add column owner bigint;

-- The queue is read by claims now, which look at jobs that nobody has, whether they were tried before or not.
drop index jobs_waiting;
create index jobs_due on jobs (due_at, id) where owner is null;
create index jobs_owned on jobs (owner) where owner is not null;

-- Rows come and go by the thousand a second: vacuum often, or claims wade through those that went.
alter table jobs set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1);
