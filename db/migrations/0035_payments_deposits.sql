-- Deposits that people look at: a customer says what they paid and how it can be found, staff find it and say yes or no.
create table payments.deposit (
  id bigint generated always as identity primary key,
  user_id bigint not null references identity.user on delete restrict,
  asset text not null references ledger.asset,
  -- Minor units, as the customer says.
  amount bigint not null check (amount > 0),
  -- The code of a way to pay, as it was on offer then.
  method text not null check (method ~ '^[a-z0-9_]{1,32}$'),
  -- The proof as it was typed, and what of it is compared: letters and digits alone.
  reference text not null check (char_length(reference) between 1 and 200),
  reference_key text not null check (char_length(reference_key) between 1 and 200),
  note text check (char_length(note) between 1 and 500),
  state text not null check (state in ('pending', 'approved_once', 'approved', 'refused', 'cancelled', 'expired')),
  asked_at timestamptz not null,
  -- Until when staff may answer.
  expires_at timestamptz not null check (expires_at > asked_at),
  -- What staff found to have come in, and who of two found it first; null where one was enough.
  approved_amount bigint check (approved_amount > 0),
  first_approved_by bigint references identity.user on delete restrict,
  first_approved_at timestamptz,
  -- Null also at the terminal.
  decided_by bigint references identity.user on delete restrict,
  settled_at timestamptz,
  -- The customer reads it.
  decision_reason text check (char_length(decision_reason) between 1 and 500),
  -- The movement in the ledger.
  movement bigint unique,
  check ((state = 'approved') = (movement is not null)),
  check (state not in ('approved_once', 'approved') or approved_amount is not null),
  check ((state in ('pending', 'approved_once')) = (settled_at is null)),
  check ((first_approved_by is null) = (first_approved_at is null)),
  check (state <> 'pending' or (approved_amount is null and first_approved_by is null)),
  check (state <> 'approved_once' or first_approved_by is not null),
  check (decided_by is null or state in ('approved', 'refused')),
  -- Another amount than was asked for, and a refusal, have a reason.
  check (state not in ('approved_once', 'approved') or approved_amount = amount or decision_reason is not null),
  check (state <> 'refused' or decision_reason is not null),
  -- The second person is another one, and nobody decides on their own money.
  check (state <> 'approved' or first_approved_by is null or decided_by is distinct from first_approved_by),
  check (decided_by is distinct from user_id and first_approved_by is distinct from user_id)
);
-- One customer is paid once for one proof.
create unique index deposit_once on payments.deposit (user_id, reference_key) where state in ('pending', 'approved_once', 'approved');
create index deposit_by_reference on payments.deposit (reference_key, id desc);
create index deposit_of_user on payments.deposit (user_id, id desc);
create index deposit_by_state on payments.deposit (state, id desc);
create index deposit_open on payments.deposit (expires_at) where state in ('pending', 'approved_once');
-- What one person has approved alone of late.
create index deposit_alone on payments.deposit (decided_by, settled_at) where state = 'approved' and first_approved_by is null;

-- What was asked for stays as it was asked for, and what is settled stays settled.
create function payments.keep_deposit() returns trigger language plpgsql as $$
begin
  raise exception using errcode = 'check_violation', constraint = 'deposit_stays',
    message = format('deposit %s: what was asked for and what is settled stays', old.id);
end $$;
create trigger deposit_stays before update on payments.deposit
  for each row when (old.state not in ('pending', 'approved_once') or (old.state = 'approved_once' and new.state = 'pending')
    or (new.id, new.user_id, new.asset, new.amount, new.method, new.reference, new.reference_key, new.note, new.asked_at)
      is distinct from (old.id, old.user_id, old.asset, old.amount, old.method, old.reference, old.reference_key, old.note, old.asked_at))
  execute function payments.keep_deposit();
create trigger deposit_stays_there before delete on payments.deposit for each row execute function payments.keep_deposit();
