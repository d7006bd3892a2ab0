-- What waits for one source: orders_queued leads to a provider's orders, and one of its services may be waited for by none while others have a hundred thousand.
create index orders_queued_of_source on orders.orders (provider_id, provider_service_id, customer_id, id) where state = 'queued';
