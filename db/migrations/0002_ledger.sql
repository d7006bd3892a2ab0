-- The ledger. Value sits in accounts and flows from one to another: a transfer takes its amount from the account named
-- `debit` and adds it to the one named `credit`, so that all accounts of an asset always sum to zero.
create schema ledger;

create table ledger.asset (
  code text primary key check (code ~ '^[A-Z][A-Z0-9]{1,11}$'),
  -- Decimal digits of the minor unit in which every amount of the asset is kept.
  scale smallint not null check (scale between 0 and 18)
);
insert into ledger.asset (code, scale) values ('USD', 6), ('EUR', 6), ('BDT', 6), ('RUB', 6), ('USDT', 6), ('TON', 9);

-- Whose account it is, what for, and in which asset. Never changes.
create table ledger.account_name (
  id bigint generated always as identity primary key,
  owner_kind text not null check (char_length(owner_kind) between 1 and 32),
  owner_id bigint not null,
  purpose text not null check (char_length(purpose) between 1 and 32),
  asset text not null references ledger.asset,
  constraint account_once unique (owner_kind, owner_id, purpose, asset)
);

-- A domain's check is not made again when another column changes.
create domain ledger.credit_limit as bigint check (value >= 0);

-- What stands on each account. Every movement updates it in place, so the row is narrow, no index has a column that changes, and pages have room: the updates
-- stay heap-only. A foreign key to the name would be looked at in each update; both rows are made by one statement, and the auditor compares them.
create table ledger.balance (
  account bigint primary key,
  posted bigint not null default 0,
  held bigint not null default 0 check (held >= 0),
  -- How far below zero posted - held may go. Null: without limit, for the platform's own counterparts.
  credit_limit ledger.credit_limit,
  -- Grows by one with every line of the account: each side of a transfer, each hold, each release.
  version bigint not null default 0,
  -- The name's asset again, so that a posting reads one table.
  asset text not null,
  constraint balance_covered check (posted - held >= -credit_limit)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

create view ledger.account (id, owner_kind, owner_id, purpose, asset, posted, held, credit_limit, version) as
  select id, owner_kind, owner_id, purpose, account_name.asset, posted, held, credit_limit::bigint, version
  from ledger.account_name join ledger.balance on balance.account = account_name.id;

-- A posting changes rows that it has locked, by their places. One that is not there any more would be lost without a word.
create function ledger.require_all(changed bigint, wanted bigint) returns void language plpgsql as $$
begin
  if changed <> wanted then
    raise exception 'ledger: % of % rows were where they had been locked', changed, wanted;
  end if;
end $$;

-- One number per posting transaction. Its movements get the ids block * 16384 + 0, 1, 2 …
create sequence ledger.block;

-- Keys are unique for ever, so they stand in a table of their own and the tables that grow can be partitioned.
create table ledger.entry (
  key text collate "C" not null check (char_length(key) between 1 and 200),
  -- Id of the first movement; the others follow by one. Null when the entry was refused and moved nothing.
  id bigint,
  -- The first 128 bits of the SHA-256 of the content.
  hash uuid not null,
  -- Why it was refused.
  refusal text check (char_length(refusal) between 1 and 40),
  constraint entry_moved check ((refusal is null) = (id is not null)),
  constraint entry_once primary key (key)
);

-- Append-only. Partitions are by month; ids are unique because a block's number is drawn once. No index by account: two of them cost more than all else
-- in a posting, so the sealer writes that index behind it, sorted, as ledger.line. Beside each account stand its posted value, held value and version
-- as the transfer left them.
create table ledger.transfer (
  id bigint not null,
  entry bigint not null,
  debit bigint not null,
  credit bigint not null,
  amount bigint not null check (amount > 0),
  -- The hold out of which it was captured; the transfer that it takes back.
  hold bigint,
  reverses bigint,
  subject_id bigint,
  debit_posted bigint not null,
  debit_held bigint not null,
  debit_version bigint not null,
  credit_posted bigint not null,
  credit_held bigint not null,
  credit_version bigint not null,
  -- Read under the accounts' locks, one moment for the whole block: it never falls from one version of an account to the next.
  at timestamptz not null,
  reason text not null check (char_length(reason) between 1 and 60),
  subject_kind text check (char_length(subject_kind) between 1 and 32),
  check (debit <> credit),
  primary key (id, at)
) partition by range (at);
create table ledger.transfer_default partition of ledger.transfer default;
select platform.ensure_month_partitions('ledger.transfer', 3);

-- A part of an account's value set aside. Capturing and releasing use it up; it can never be used up twice.
create table ledger.hold (
  id bigint primary key,
  entry bigint not null,
  account bigint not null,
  amount bigint not null check (amount > 0),
  captured bigint not null default 0 check (captured >= 0),
  released bigint not null default 0 check (released >= 0),
  subject_id bigint,
  -- The account's posted value, held value and version after the hold was placed.
  posted bigint not null,
  held bigint not null,
  version bigint not null,
  expires_at timestamptz,
  at timestamptz not null,
  state text not null default 'open' check (state in ('open', 'closed')),
  subject_kind text check (char_length(subject_kind) between 1 and 32),
  constraint hold_not_exceeded check (captured + released <= amount),
  constraint hold_closed check ((state = 'closed') = (captured + released = amount))
) with (fillfactor = 80);
create index hold_expiring on ledger.hold (expires_at) where state = 'open' and expires_at is not null;
create index hold_of_subject on ledger.hold (subject_id, subject_kind) where state = 'open' and subject_id is not null;

-- Append-only: what was given back from holds.
create table ledger.release (
  id bigint not null,
  entry bigint not null,
  hold bigint not null,
  account bigint not null,
  amount bigint not null check (amount > 0),
  posted bigint not null,
  held bigint not null,
  version bigint not null,
  at timestamptz not null,
  primary key (id, at)
) partition by range (at);
create table ledger.release_default partition of ledger.release default;
select platform.ensure_month_partitions('ledger.release', 3);

-- A transfer is reversed once at most. Apart from ledger.transfer.reverses, because what must be unique stands in no partitioned table.
create table ledger.reversal (
  transfer bigint not null,
  reversed_by bigint not null,
  constraint reversal_once primary key (transfer)
);

-- Blocks that no seal covers yet: one row a posting transaction, deleted by the sealer. Scanned whole, so it needs no index.
create table ledger.unsealed (
  block bigint not null,
  movements smallint not null check (movements between 1 and 16384),
  at timestamptz not null
) with (
  -- Rows live for a moment: vacuum by count and often, and keep the pages, which are needed again at once.
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000,
  autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off
);

-- The chain. A seal's hash covers the hash before it and the hashes of its blocks; a block's covers the text of each of its movements.
-- Movements are numbered over all blocks without a gap.
create table ledger.seal (
  number bigint primary key check (number > 0),
  first_line bigint not null unique check (first_line > 0),
  last_line bigint not null check (last_line >= first_line),
  hash bytea not null check (octet_length(hash) = 32),
  at timestamptz not null default now()
);
create table ledger.sealed_block (
  block bigint primary key,
  seal bigint not null references ledger.seal,
  -- The global number of the block's first movement.
  first_line bigint not null,
  movements smallint not null check (movements between 1 and 16384),
  hash bytea not null check (octet_length(hash) = 32),
  -- The moment of its movements, and so the partition in which they lie.
  at timestamptz not null
);
create index sealed_block_of_seal on ledger.sealed_block (seal);

-- The lines of each account, contiguous by version, written by the sealer: the index of statements, and the proof that no version was given twice.
create table ledger.line (
  account bigint not null,
  version bigint not null check (version > 0),
  -- A transfer, a hold or a release: they share one row of ids.
  movement bigint not null,
  constraint line_once primary key (account, version) include (movement)
);

-- Every line of every account: both sides of each transfer, each hold, each release; what it changed and what stood after it.
create view ledger.side (account, version, movement, posted_change, held_change, posted, held, at) as
  select debit, debit_version, id, -amount, case when hold is null then 0 else -amount end, debit_posted, debit_held, at from ledger.transfer
  union all
  select credit, credit_version, id, amount, 0::bigint, credit_posted, credit_held, at from ledger.transfer
  union all
  select account, version, id, 0::bigint, amount, posted, held, at from ledger.hold
  union all
  select account, version, id, 0::bigint, -amount, posted, held, at from ledger.release;

-- The text of each movement that the hash of its block covers. It is what seals have promised: another text would prove none of those that were made
-- before. The moment is not in it, for the block has it; nor is what changes of a hold.
create view ledger.movement (id, entry, at, text) as
  select id, entry, at, row('transfer', id, entry, debit, credit, amount, hold, reverses, reason, subject_kind, subject_id, debit_posted, debit_held,
    debit_version, credit_posted, credit_held, credit_version)::text from ledger.transfer
  union all
  select id, entry, at, row('hold', id, entry, account, amount, (extract(epoch from expires_at) * 1000000)::bigint, subject_kind, subject_id,
    posted, held, version)::text from ledger.hold
  union all
  select id, entry, at, row('release', id, entry, hold, account, amount, posted, held, version)::text from ledger.release;

create function ledger.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'ledger.% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;

do $$
declare name text;
begin
  foreach name in array array['account_name', 'transfer', 'release', 'entry', 'reversal', 'seal', 'sealed_block', 'line'] loop
    execute format('create trigger append_only before update or delete on ledger.%I for each row execute function ledger.refuse_change()', name);
    execute format('create trigger never_emptied before truncate on ledger.%I for each statement execute function ledger.refuse_change()', name);
  end loop;
end $$;
-- A hold's use grows; what it is does not change.
create trigger immutable before update of id, entry, account, amount, subject_id, subject_kind, posted, held, version, expires_at, at on ledger.hold
  for each row execute function ledger.refuse_change();
create trigger never_deleted before delete on ledger.hold for each row execute function ledger.refuse_change();
create trigger never_emptied before truncate on ledger.hold for each statement execute function ledger.refuse_change();
