-- How much a customer may spend in a day and have under way at once, and how much it is now. Only customers who are limited, or once were, have a row. Its figures change
-- under the lock on the customer's wallet, which every order takes that is placed or ends. No foreign key to users, as in orders.orders.
create table orders.customer_limit (
  customer_id bigint primary key,
  -- Their own limits; null: the house's.
  daily_spend_max bigint check (daily_spend_max >= 0),
  in_flight_max int check (in_flight_max >= 0),
  -- Orders that have not ended. Null until their first order under a limit, which counts what is there.
  in_flight int check (in_flight >= 0),
  -- Charges of the orders placed since day_began, less what of them was given back. Minor units.
  spent bigint check (spent >= 0),
  day_began timestamptz,
  day_ends timestamptz,
  constraint customer_limit_counted check (num_nulls(in_flight, spent, day_began, day_ends) in (0, 4)),
  constraint customer_limit_day check (day_ends > day_began)
) with (fillfactor = 70);
