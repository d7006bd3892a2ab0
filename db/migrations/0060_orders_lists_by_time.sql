-- Service and provider together with a span of time: a service's orders of last spring are found without walking down from today.
create index orders_of_service_placed on orders.orders (service_id, placed_at);
create index orders_of_provider_placed on orders.orders (provider_id, placed_at);
drop index orders.orders_of_service;
drop index orders.orders_of_provider;
