-- Customers tell what they paid in; support sees it, and who may decide is granted to each.
update identity.role set permissions = permissions || '{deposits:*:own}'
where name = 'customer' and not permissions @> '{deposits:*:own}';
update identity.role set permissions = permissions || '{deposits:read}'
where name = 'support' and not permissions @> '{deposits:read}';
