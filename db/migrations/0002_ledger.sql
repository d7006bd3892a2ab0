-- The ledger. Value sits in accounts and flows from one to another: a transfer takes its amount from the account named
-- `debit` and adds it to the one named `credit`, so that all accounts of an asset always sum to zero.
create schema ledger;

create table ledger.asset (
  code text primary key check (code ~ '^[A-Z][A-Z0-9]{1,11}$'),
  -- Decimal digits of the minor unit in which every amount of the asset is kept.
  scale smallint not null check (scale between 0 and 18)
);
insert into ledger.asset (code, scale) values ('USD', 6), ('EUR', 6), ('BDT', 6), ('RUB', 6), ('USDT', 6), ('TON', 9);

-- Hot: every movement updates its accounts in place. No index on a column that changes, and room in each page, keep the updates heap-only.
create table ledger.account (
  id bigint generated always as identity primary key,
  owner_kind text not null check (char_length(owner_kind) between 1 and 32),
  owner_id bigint not null,
  purpose text not null check (char_length(purpose) between 1 and 32),
  asset text not null references ledger.asset,
  posted bigint not null default 0,
  held bigint not null default 0 check (held >= 0),
  -- How far below zero posted - held may go. Null: without limit, for the platform's own counterparts.
  credit_limit bigint default 0 check (credit_limit >= 0),
  -- Grows by one with every line of the account: each side of a transfer, each hold, each release.
  version bigint not null default 0 check (version >= 0),
  constraint account_covered check (posted - held >= -credit_limit),
  constraint account_once unique (owner_kind, owner_id, purpose, asset)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- One number per posting transaction. Its movements get the ids block * 16384 + 0, 1, 2 …
create sequence ledger.block;

-- Keys are unique for ever, so they stand in a table of their own and the tables that grow can be partitioned.
create table ledger.entry (
  key text not null check (char_length(key) between 1 and 200),
  -- Id of the first movement; the others follow by one. Null when the entry was refused and moved nothing.
  id bigint,
  -- The first 128 bits of the SHA-256 of the content.
  hash uuid not null,
  outcome text not null check (char_length(outcome) between 1 and 40),
  constraint entry_moved check ((outcome = 'posted') = (id is not null)),
  constraint entry_once primary key (key)
);

-- Append-only. Partitions are by month; ids are unique because a block's number is drawn once. No index by account: two of them cost more than all else
-- in a posting, so the sealer writes that index behind it, sorted, as ledger.line.
create table ledger.transfer (
  id bigint not null,
  entry bigint not null,
  debit bigint not null,
  credit bigint not null,
  amount bigint not null check (amount > 0),
  hold bigint,
  subject_id bigint,
  debit_posted bigint not null,
  debit_version bigint not null,
  credit_posted bigint not null,
  credit_version bigint not null,
  at timestamptz not null default now(),
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
  -- The account's posted value and version after the hold was placed.
  posted bigint not null,
  version bigint not null,
  expires_at timestamptz,
  at timestamptz not null default now(),
  state text not null default 'open' check (state in ('open', 'closed')),
  subject_kind text check (char_length(subject_kind) between 1 and 32),
  constraint hold_not_exceeded check (captured + released <= amount),
  constraint hold_closed check ((state = 'closed') = (captured + released = amount))
) with (fillfactor = 80);
create index hold_expiring on ledger.hold (expires_at) where state = 'open' and expires_at is not null;

-- Append-only: what was given back from holds.
create table ledger.release (
  id bigint not null,
  entry bigint not null,
  hold bigint not null,
  account bigint not null,
  amount bigint not null check (amount > 0),
  posted bigint not null,
  version bigint not null,
  at timestamptz not null default now(),
  primary key (id, at)
) partition by range (at);
create table ledger.release_default partition of ledger.release default;
select platform.ensure_month_partitions('ledger.release', 3);

-- A transfer is reversed once at most.
create table ledger.reversal (
  transfer bigint not null,
  reversed_by bigint not null,
  constraint reversal_once primary key (transfer)
);

-- Blocks that no seal covers yet: one row a posting transaction, deleted by the sealer. Scanned whole, so it needs no index.
create table ledger.unsealed (
  block bigint not null,
  movements smallint not null check (movements between 1 and 16384)
);

-- The chain. A seal's hash covers the hash before it and the text of every movement of its blocks, numbered without a gap.
create table ledger.seal (
  number bigint primary key check (number > 0),
  first_line bigint not null check (first_line > 0),
  last_line bigint not null check (last_line >= first_line),
  hash bytea not null check (octet_length(hash) = 32),
  at timestamptz not null default now()
);
create table ledger.sealed_block (
  block bigint primary key,
  seal bigint not null references ledger.seal,
  -- The global number of the block's first movement.
  first_line bigint not null unique,
  movements smallint not null check (movements between 1 and 16384)
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

create function ledger.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'ledger.% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;

do $$
declare name text;
begin
  foreach name in array array['transfer', 'release', 'entry', 'reversal', 'seal', 'sealed_block', 'line'] loop
    execute format('create trigger append_only before update or delete on ledger.%I for each row execute function ledger.refuse_change()', name);
    execute format('create trigger never_emptied before truncate on ledger.%I for each statement execute function ledger.refuse_change()', name);
  end loop;
end $$;
-- A hold's use grows; what it is does not change.
create trigger immutable before update of id, entry, account, amount, subject_id, subject_kind, posted, version, at on ledger.hold
  for each row execute function ledger.refuse_change();
create trigger never_deleted before delete on ledger.hold for each row execute function ledger.refuse_change();
create trigger never_emptied before truncate on ledger.hold for each statement execute function ledger.refuse_change();
