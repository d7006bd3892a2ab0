-- What each provider took by the hour (UTC), summed from the ledger with the sums of finance: how fast our balance with it runs down. Kept for a few days.
create table orders.provider_hour (
  hour timestamptz not null,
  provider_id bigint not null,
  asset text not null,
  -- Minor units; below zero where more came back than was taken.
  cost bigint not null,
  primary key (provider_id, hour, asset)
) with (fillfactor = 80);
