-- Who has something to prove yet is known wherever rights are.
create or replace view identity.holder as
  select holder.id as user_id, holder.state, holder.role, role.staff, role.area,
    role.permissions || holder.granted as permissions, holder.denied,
    holder.self_registered and holder.email_confirmed_at is null as unconfirmed,
    exists (select from identity.totp where totp.user_id = holder.id and totp.confirmed_at is not null) as totp
  from identity.user as holder
  join identity.role on role.name = holder.role;
