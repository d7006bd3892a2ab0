-- Who did what to what. Every act is a row, written in the transaction of the act itself, and never changed.
create schema audit;

create sequence audit.act_id;

-- The words of a text, in lower case. Marks part them, so that of an address or a number with dashes each part is found.
create function audit.words(text text) returns tsvector language sql immutable strict parallel safe
  return to_tsvector('simple'::regconfig, translate(text, '@.,:;/\-_+#()[]{}<>|"''!?=&%$*~^`', '                               '));

-- Append-only, by month. `json` and not `jsonb`: the seal covers the text as it was written.
create table audit.act (
  id bigint not null default nextval('audit.act_id'),
  -- The start of the act's transaction.
  at timestamptz not null default now(),
  -- `users.blocked`: domain, dot, what was done.
  action text collate "C" not null check (char_length(action) between 3 and 80),
  actor_kind text not null check (actor_kind in ('user', 'system', 'command')),
  -- Null also for a user who is not known, such as one whose sign-in was refused.
  user_id bigint,
  via text check (via in ('session', 'key')),
  key_id bigint,
  ip inet,
  request_id text check (char_length(request_id) between 1 and 100),
  user_agent text check (char_length(user_agent) <= 200),
  subject_kind text check (char_length(subject_kind) between 1 and 40),
  subject_id text check (char_length(subject_id) between 1 and 200),
  before json check (octet_length(before::text) <= 16384),
  after json check (octet_length(after::text) <= 16384),
  reason text check (char_length(reason) between 1 and 1000),
  constraint act_by_key check (key_id is null or via = 'key'),
  constraint act_subject check ((subject_kind is null) = (subject_id is null)),
  primary key (at, id)
) partition by range (at);
create table audit.act_default partition of audit.act default;
select platform.ensure_month_partitions('audit.act', 3);

-- One for each way in which people look back; each ends in the order in which acts are shown.
create index act_of_actor on audit.act (user_id, at, id) where user_id is not null;
create index act_of_action on audit.act (action, at, id);
create index act_of_subject on audit.act (subject_kind, subject_id, at, id) where subject_kind is not null;
create index act_from_ip on audit.act (ip, at, id) where ip is not null;
create index act_of_request on audit.act (request_id, at, id) where request_id is not null;
create index act_reason on audit.act using gin (audit.words(reason)) where reason is not null;

-- Acts that no seal covers yet, written with them and deleted by the sealer.
create table audit.unsealed (
  act bigint not null,
  at timestamptz not null
) with (
  -- Rows live for a moment: vacuum by count and often, and keep the pages, which are needed again at once.
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000, vacuum_truncate = off
);

-- The chain. A seal's hash covers the hash before it and each of its acts: number, id, moment, hash of its text. Acts are numbered over all seals without a gap.
create table audit.seal (
  number bigint primary key check (number > 0),
  first_act bigint not null unique check (first_act > 0),
  last_act bigint not null check (last_act >= first_act),
  hash bytea not null check (octet_length(hash) = 32),
  at timestamptz not null default now()
);
create table audit.sealed_act (
  number bigint primary key check (number > 0),
  act bigint not null,
  -- The moment of the act, and so the partition in which it lies.
  at timestamptz not null,
  seal bigint not null references audit.seal,
  hash bytea not null check (octet_length(hash) = 32),
  constraint sealed_once unique (act)
);

-- The text of each act that its hash covers. It is what seals have promised: another text would prove none of those that were made before.
create view audit.act_text (id, at, text) as
  select id, at, row(id, (extract(epoch from at) * 1000000)::bigint, action, actor_kind, user_id, via, key_id, ip::text, request_id, user_agent,
    subject_kind, subject_id, before::text, after::text, reason)::text
  from audit.act;

create function audit.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'audit.% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;

do $$
declare name text;
begin
  foreach name in array array['act', 'seal', 'sealed_act'] loop
    execute format('create trigger append_only before update or delete on audit.%I for each row execute function audit.refuse_change()', name);
    execute format('create trigger never_emptied before truncate on audit.%I for each statement execute function audit.refuse_change()', name);
  end loop;
end $$;
