-- Which links are taken, of services that want each for one order at a time. Built apart from what alters the table, so that orders can be read meanwhile; those that are written wait.
-- A link may be longer than an entry of an index. Only orders of services with the rule are in it: all others pay for one look at a flag.
create index orders_sole_link on orders.orders (service_id, md5(link)) where sole_link and state not in ('completed', 'partial', 'cancelled');
