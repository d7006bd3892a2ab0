-- Failures that nobody foresaw, one row a kind: whose place, error and way in are the same. Of each the last occurrence is kept as a sample.
create table platform.failure (
  id bigint generated always as identity primary key,
  -- SHA-256 of kind, error and place in the code, cut.
  fingerprint text not null check (fingerprint ~ '^[0-9a-f]{32}$'),
  -- Where it was met, such as a request or a job, and which.
  kind text not null check (char_length(kind) between 1 and 20),
  name text not null check (char_length(name) <= 200),
  error text not null check (char_length(error) between 1 and 200),
  place text not null check (char_length(place) between 1 and 300),
  -- Secrets masked.
  message text not null check (char_length(message) <= 1000),
  stack text not null check (char_length(stack) <= 8000),
  occurrences bigint not null check (occurrences > 0),
  first_at timestamptz not null,
  last_at timestamptz not null check (last_at >= first_at),
  -- What to look for in the logs: {"request_id": …}.
  correlation json not null check (octet_length(correlation::text) <= 4000),
  request_id text check (char_length(request_id) <= 100),
  process text not null check (char_length(process) <= 100),
  release text not null check (char_length(release) <= 100),
  resolved_at timestamptz,
  resolved_by text check (char_length(resolved_by) between 1 and 100),
  -- How often it came back after it had been resolved.
  reopened int not null default 0 check (reopened >= 0),
  constraint failure_once unique (fingerprint),
  constraint failure_resolved check ((resolved_at is null) = (resolved_by is null))
);

create index failure_open on platform.failure (last_at, id) where resolved_at is null;
create index failure_last on platform.failure (last_at, id);
create index failure_of_request on platform.failure (request_id) where request_id is not null;
