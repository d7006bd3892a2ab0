-- An order may go from one source to another, after a proven refusal and never otherwise.
-- What it cost at providers that it has left; what the order itself says is of the one that has it now.
create table orders.former_cost (
  order_id bigint not null references orders.orders on delete restrict,
  provider_id bigint not null,
  asset text not null,
  cost bigint not null check (cost > 0),
  primary key (order_id, provider_id)
);

-- What the order was expected to cost there: an answer may come when the order has long gone elsewhere.
alter table orders.attempt add column expected_cost bigint check (expected_cost >= 0);
