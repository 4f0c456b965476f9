-- The node that has a job, on PostgreSQL, where several share a database. Here one process has them all: always null.
alter table jobs add column owner integer;
