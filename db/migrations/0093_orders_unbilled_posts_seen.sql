-- Staff are told of what was seen within a day.
create index unbilled_post_seen on orders.unbilled_post (seen_at);
