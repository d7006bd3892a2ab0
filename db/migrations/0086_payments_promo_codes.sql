-- Promo codes: what the house promises to whoever types one.
create table payments.promo_code (
  id bigint generated always as identity primary key,
  -- In capitals, however it is typed.
  code text not null check (code ~ '^[A-Z0-9][A-Z0-9-]{2,30}[A-Z0-9]$'),
  -- Money at once; a discount for a time; or a bonus on the next deposit.
  kind text not null check (kind in ('credit', 'discount', 'deposit')),
  asset text not null references ledger.asset,
  -- Minor units that each redemption is credited.
  amount bigint check (amount > 0),
  -- What the catalogue prices by.
  discount_id bigint unique references catalog.discount on delete restrict,
  -- For deposits of at least this much: hundredths of a percent of what came in, and at most so much.
  deposit_min bigint check (deposit_min > 0),
  percent_bp bigint check (percent_bp between 1 and 10000),
  amount_max bigint check (amount_max > 0),
  -- For how long it holds for whoever has redeemed it, and until when at most.
  days integer check (days between 1 and 366),
  holds_until timestamptz,
  redemptions_max integer check (redemptions_max > 0),
  -- How many have redeemed it: counted under the lock of the row.
  redemptions integer not null default 0 check (redemptions >= 0),
  -- For customers who registered from the first moment on and before the second.
  registered_from timestamptz,
  registered_until timestamptz,
  starts_at timestamptz not null,
  -- Null: until it is ended.
  ends_at timestamptz,
  -- When staff ended it.
  ended_at timestamptz,
  created_at timestamptz not null,
  -- Null: at the terminal.
  created_by bigint references identity.user on delete restrict,
  constraint promo_code_once unique (code),
  constraint promo_code_not_used_up check (redemptions <= redemptions_max),
  constraint promo_code_span check (ends_at > starts_at),
  constraint promo_code_registered check (registered_until > registered_from),
  -- Money that is given for nothing is never given without an end.
  constraint promo_code_whole check (case kind
    when 'credit' then num_nonnulls(amount, redemptions_max) = 2 and num_nonnulls(discount_id, deposit_min, percent_bp, amount_max, days, holds_until) = 0
    when 'discount' then num_nonnulls(discount_id, days) = 2 and num_nonnulls(amount, deposit_min, percent_bp, amount_max) = 0
    else num_nonnulls(deposit_min, percent_bp, days) = 3 and num_nonnulls(amount, discount_id) = 0 end)
);

-- What a code promises stays: it is counted one by one, and ended once.
create function payments.keep_promo_code() returns trigger language plpgsql as $$
begin
  raise exception using errcode = 'check_violation', constraint = 'promo_code_stays', message = format('promo code %s: what was promised stays', old.id);
end $$;
create trigger promo_code_stays before update on payments.promo_code
  for each row when ((new.id, new.code, new.kind, new.asset, new.amount, new.discount_id, new.deposit_min, new.percent_bp, new.amount_max, new.days,
      new.holds_until, new.redemptions_max, new.registered_from, new.registered_until, new.starts_at, new.ends_at, new.created_at, new.created_by)
      is distinct from (old.id, old.code, old.kind, old.asset, old.amount, old.discount_id, old.deposit_min, old.percent_bp, old.amount_max, old.days,
      old.holds_until, old.redemptions_max, old.registered_from, old.registered_until, old.starts_at, old.ends_at, old.created_at, old.created_by)
    or new.redemptions not in (old.redemptions, old.redemptions + 1)
    or (old.ended_at is not null and (new.ended_at is distinct from old.ended_at or new.redemptions <> old.redemptions)))
  execute function payments.keep_promo_code();
create trigger promo_code_stays_there before delete on payments.promo_code for each row execute function payments.keep_promo_code();

-- Drawn before the row is written: the entry in the ledger is named by it.
create sequence payments.promo_redemption_number;

-- Who has redeemed which, once. Only ever added to.
create table payments.promo_redemption (
  id bigint primary key,
  code_id bigint not null references payments.promo_code on delete restrict,
  customer_id bigint not null references identity.user on delete restrict,
  redeemed_at timestamptz not null,
  -- How long it holds; null where money was credited at once.
  ends_at timestamptz,
  amount bigint check (amount > 0),
  -- The movement in the ledger.
  movement bigint unique,
  constraint promo_redemption_once unique (customer_id, code_id),
  constraint promo_redemption_whole check ((amount is null) = (movement is null) and (amount is null) <> (ends_at is null)),
  constraint promo_redemption_span check (ends_at > redeemed_at)
);
create index promo_redemptions on payments.promo_redemption (code_id, id);
create function payments.keep_promo_redemption() returns trigger language plpgsql as $$
begin
  raise exception using errcode = 'restrict_violation', message = 'payments.promo_redemption is only added to';
end $$;
create trigger append_only before update or delete on payments.promo_redemption for each row execute function payments.keep_promo_redemption();
create trigger never_emptied before truncate on payments.promo_redemption for each statement execute function payments.keep_promo_redemption();

-- A bonus is given by a rule, or by a code, which gives one once.
alter table payments.deposit_bonus
  alter column rule_id drop not null,
  add column redemption_id bigint references payments.promo_redemption on delete restrict,
  add constraint deposit_bonus_redemption_once unique (redemption_id),
  add constraint deposit_bonus_promised check (num_nonnulls(rule_id, redemption_id) = 1) not valid;

-- Customers redeem codes; who may make them is granted to each.
update identity.role set permissions = permissions || '{promo-codes:*:own}'
where name = 'customer' and not permissions @> '{promo-codes:*:own}';
