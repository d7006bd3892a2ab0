-- Added without looking at the rows that were there, so that nobody waited; looked at now, under a lock that lets everybody go on.
alter table orders.orders validate constraint order_run;
alter table orders.orders validate constraint order_scheduled;
alter table orders.orders validate constraint orders_state_check;
