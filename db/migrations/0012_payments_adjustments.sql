-- Money in and out that is no order: so far what staff put right on customers' wallets.
create schema payments;

create table payments.adjustment (
  id bigint generated always as identity primary key,
  user_id bigint not null references identity.user on delete restrict,
  asset text not null references ledger.asset,
  -- Minor units; below zero takes away.
  amount bigint not null check (amount <> 0),
  reason text not null check (char_length(reason) between 1 and 500),
  state text not null check (state in ('asked', 'posted', 'refused', 'expired')),
  -- Null: at the terminal.
  asked_by bigint references identity.user on delete restrict,
  asked_at timestamptz not null,
  -- Until when a second person may decide; null where none was needed.
  expires_at timestamptz check (expires_at > asked_at),
  decided_by bigint references identity.user on delete restrict,
  decided_at timestamptz,
  decision_reason text check (char_length(decision_reason) between 1 and 500),
  -- The movement in the ledger.
  movement bigint,
  check ((state = 'posted') = (movement is not null)),
  check ((state in ('posted', 'refused')) = (decided_at is not null) or state = 'posted'),
  check (state <> 'asked' or expires_at is not null),
  -- The second person is another one.
  check (decided_by is null or decided_by <> asked_by),
  -- And nobody decides on their own money, or asks for it.
  check (decided_by is distinct from user_id and asked_by is distinct from user_id)
);
create index adjustment_of_user on payments.adjustment (user_id, id desc);
create index adjustment_by_state on payments.adjustment (state, id desc);
-- What one person has posted alone of late, and what waits too long.
create index adjustment_alone on payments.adjustment (asked_by, asked_at) where state = 'posted' and decided_by is null;
create index adjustment_open on payments.adjustment (expires_at) where state = 'asked';
