-- Send limits that several nodes share: the rate's bucket and the quota's allowances (docs/scaling.md, “Send limits”).
-- SQLite has none of this: one process writes it, and counts in memory.
--
-- What is taken is decided in functions, so that it takes one round trip: in READ COMMITTED each statement of a
-- function sees what was committed before it, hence what others did before they let go of the lock.

-- One row for each account and region that sends: its bucket, and the lock under which both limits are decided.
-- Thousandths of a recipient; infinity: full, whatever the rate. `refilled_at` is in SES's time.
create table send_limits (
  account text collate "C" not null,
  region text collate "C" not null,
  tokens double precision not null,
  refilled_at bigint not null,
  primary key (account, region)
) with (fillfactor = 50);

-- What a node may still add to the last 24 hours' count, all that it is accepting just now included. It ends by itself,
-- by the database's clock (milliseconds since the epoch), when the node does not renew it.
create table send_allowances (
  account text collate "C" not null,
  region text collate "C" not null,
  node text collate "C" not null,
  granted bigint not null,
  expires_at bigint not null,
  primary key (account, region, node)
) with (fillfactor = 50);

create function lock_send_limits(of_account text, of_region text, now_at bigint, out tokens double precision, out refilled_at bigint)
language plpgsql as $$
begin
  select limits.tokens, limits.refilled_at into tokens, refilled_at from send_limits as limits
    where limits.account = of_account and limits.region = of_region for update;
  if found then return; end if;
  insert into send_limits values (of_account, of_region, 'infinity', now_at) on conflict do nothing;
  select limits.tokens, limits.refilled_at into tokens, refilled_at from send_limits as limits
    where limits.account = of_account and limits.region = of_region for update;
end
$$;

-- How much of `available` goes to callers that come one after another, given the sums of what they want: each passes
-- while anything is left, and the last may take more than that.
create function passing(available bigint, sums bigint[]) returns bigint language sql immutable as $$
  select case when available < 1 then 0 else coalesce(min(s) filter (where s >= available), max(s), 0) end
  from unnest(sums) as s
$$;

-- Takes from the bucket what the callers need, and a block besides if it is there. What their node held goes back first
-- (`returned`), for the bucket may be owed it. `remaining`: thousandths; less than nothing when the last caller wanted
-- more than there was.
create function take_send_tokens(
  of_account text, of_region text, rate double precision, now_at bigint, returned bigint, sums bigint[], block bigint,
  out granted bigint, out remaining double precision
) language plpgsql as $$
declare
  bucket record;
  available bigint;
begin
  -- What a crash of the database may forget is less than a second's worth.
  perform set_config('synchronous_commit', 'off', true);
  select * into bucket from lock_send_limits(of_account, of_region, now_at);
  -- SES's clock was set back. A little behind is a node whose clock is: time has passed once, not once for each.
  if now_at < bucket.refilled_at - 60000 then bucket.refilled_at := now_at; end if;
  remaining := least(
    greatest(1, rate) * 1000,
    bucket.tokens + returned * 1000 + greatest(0, now_at - bucket.refilled_at) * rate
  );
  available := floor(remaining / 1000);
  granted := passing(available, sums);
  granted := granted + greatest(0, least(block, available - granted));
  remaining := remaining - granted * 1000;
  update send_limits set tokens = remaining, refilled_at = greatest(bucket.refilled_at, now_at)
    where account = of_account and region = of_region;
end
$$;

-- Grants a node what the callers need of the quota that nobody has, and a share of the rest, up to `block`. What it
-- held before is dropped; `in_flight` is what it is accepting, and has not been counted yet.
create function take_send_allowance(
  of_account text, of_region text, of_node text, quota bigint, now_at bigint, in_flight bigint, sums bigint[],
  block bigint, lease_ms bigint, out granted bigint
) language plpgsql as $$
declare
  db_now bigint;
  taken bigint;
  available bigint;
begin
  perform lock_send_limits(of_account, of_region, now_at);
  db_now := extract(epoch from clock_timestamp()) * 1000;
  delete from send_allowances
    where account = of_account and region = of_region and (node = of_node or expires_at < db_now);
  select coalesce(sum(allowance.granted), 0) into taken from send_allowances as allowance
    where account = of_account and region = of_region;
  -- By minutes, and with the minute to come: the clock of another node may be a little ahead.
  select taken + coalesce(sum(recipients), 0) into taken from sent_minutes
    where account = of_account and region = of_region
      and at > now_at - now_at % 60000 - 86400000 and at <= now_at - now_at % 60000 + 60000;
  available := quota - taken - in_flight;
  granted := passing(available, sums);
  granted := granted + greatest(0, least(block, (available - granted) / 16));
  if in_flight + granted > 0 then
    insert into send_allowances values (of_account, of_region, of_node, in_flight + granted, db_now + lease_ms);
  end if;
end
$$;
