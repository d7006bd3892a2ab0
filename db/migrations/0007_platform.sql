-- Whether this database is a sandbox or in production: written at the first start, never changed, so that play money and real keys do not meet.
create table platform.house (
  only_row boolean primary key default true check (only_row),
  mode text not null check (mode in ('sandbox', 'production'))
);
