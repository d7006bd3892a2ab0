-- Those that failed last are few, and are looked for apart from all that have deliveries due.
create index webhook_failing on notifications.webhook_health (webhook_id) where failing_since is not null;
