-- A subscription has each post once. Built apart from what alters the table, so that orders can be read meanwhile; those that are written wait.
create unique index order_post_once on orders.orders (subscription_id, post) where subscription_id is not null;
