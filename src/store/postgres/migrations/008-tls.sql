-- How connections to others went as to TLS, for TLS reports. `day`: days since the epoch, in UTC. `domain`: of the
-- recipients. `id`: of what is counted, made of `details` (JSON). `failed`: 1, or 0 for sessions that were as they had to be.
create table tls_results (
  day bigint not null,
  domain text collate "C" not null,
  id text collate "C" not null,
  details text not null,
  failed bigint not null,
  sessions bigint not null,
  primary key (day, domain, id)
);

-- Reports of those days that were sent or are being sent. `claimed_at`: milliseconds since the epoch. `sent_to`: a JSON array
-- of URIs, empty where nobody asked for a report; null until it is done.
create table tls_reports (
  day bigint not null,
  domain text collate "C" not null,
  claimed_at bigint not null,
  sent_to text,
  primary key (day, domain)
);

-- MTA-STS policies of others: their ids, and their lines. Times in milliseconds since the epoch; `until`: when the policy ends.
create table sts_policies (
  domain text collate "C" primary key,
  id text not null,
  policy text not null,
  fetched_at bigint not null,
  until bigint not null
);
create index sts_policies_until on sts_policies (until);
