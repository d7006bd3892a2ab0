-- Staff's lists: each filter finds its orders at a million of them too. One entry more for every order and every change of its state each; measured, that costs less than staff who wait.
create index orders_of_service on orders.orders (service_id, id);
create index orders_of_provider on orders.orders (provider_id, id);
-- What is asked for by time is listed by time: orders taken over from elsewhere are older than their numbers.
create index orders_placed on orders.orders (placed_at);
create index orders_with_reason on orders.orders (reason, id) where reason is not null;
