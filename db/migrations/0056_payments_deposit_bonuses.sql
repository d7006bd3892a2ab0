-- Bonuses on deposits: what the house gives on top of what customers pay in.
create table payments.bonus_rule (
  id bigint generated always as identity primary key,
  name text not null check (char_length(name) between 1 and 80),
  asset text not null references ledger.asset,
  -- For deposits of at least this much, in minor units.
  deposit_min bigint not null check (deposit_min > 0),
  -- Hundredths of a percent of what came in, and at most so much.
  percent_bp bigint not null check (percent_bp between 1 and 10000),
  amount_max bigint check (amount_max > 0),
  -- For deposits asked for from the first moment on and before the second; null: until it is ended.
  starts_at timestamptz not null,
  ends_at timestamptz,
  created_at timestamptz not null,
  -- Null: at the terminal.
  created_by bigint references identity.user on delete restrict,
  constraint bonus_rule_name_once unique (name),
  constraint bonus_rule_span check (ends_at >= starts_at)
);

-- What a rule gives stays what it was promised to be: only its end is set, and not into the past of what it was.
create function payments.keep_bonus_rule() returns trigger language plpgsql as $$
begin
  raise exception using errcode = 'check_violation', constraint = 'bonus_rule_stays', message = format('bonus rule %s: what was promised stays', old.id);
end $$;
create trigger bonus_rule_stays before update on payments.bonus_rule
  for each row when ((new.id, new.name, new.asset, new.deposit_min, new.percent_bp, new.amount_max, new.starts_at, new.created_at, new.created_by)
      is distinct from (old.id, old.name, old.asset, old.deposit_min, old.percent_bp, old.amount_max, old.starts_at, old.created_at, old.created_by)
    or new.ends_at is null or new.ends_at > old.ends_at)
  execute function payments.keep_bonus_rule();
create trigger bonus_rule_stays_there before delete on payments.bonus_rule for each row execute function payments.keep_bonus_rule();

-- What was given: once for a deposit, in the transaction that approved it. Only ever added to.
create table payments.deposit_bonus (
  deposit_id bigint primary key references payments.deposit on delete restrict,
  rule_id bigint not null references payments.bonus_rule on delete restrict,
  amount bigint not null check (amount > 0),
  -- The movement in the ledger.
  movement bigint not null unique
);
create index deposit_bonus_of_rule on payments.deposit_bonus (rule_id);
create function payments.keep_deposit_bonus() returns trigger language plpgsql as $$
begin
  raise exception using errcode = 'restrict_violation', message = 'payments.deposit_bonus is only added to';
end $$;
create trigger append_only before update or delete on payments.deposit_bonus for each row execute function payments.keep_deposit_bonus();
create trigger never_emptied before truncate on payments.deposit_bonus for each statement execute function payments.keep_deposit_bonus();
