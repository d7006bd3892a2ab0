-- A drip-feed has each run once, and its runs are found when they are due. Built apart from what alters the table, so that orders can be read meanwhile; those that are written wait.
create unique index order_run_once on orders.orders (drip_feed_id, run) where drip_feed_id is not null;
create index orders_scheduled on orders.orders (not_before) where state = 'scheduled';
