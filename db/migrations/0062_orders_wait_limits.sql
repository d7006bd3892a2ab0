-- How long orders of a service may wait for a provider or for staff, where that is otherwise than orders.wait_hours_max.
create table orders.wait_limit (
  service_id bigint primary key,
  hours int not null check (hours between 1 and 720)
);
