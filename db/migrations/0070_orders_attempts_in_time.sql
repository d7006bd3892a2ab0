-- Attempts by time. Built apart from what alters the table, so that they can be read meanwhile; those that are written wait.
-- How a source did lately, read backwards from now.
create index attempt_of_source on orders.attempt (provider_id, provider_service_id, started_at);
-- What else was under way with a provider in a span of time. Not partial by state: that would make each attempt's end write all its index entries anew.
create index attempts_of_provider on orders.attempt (provider_id, started_at);
