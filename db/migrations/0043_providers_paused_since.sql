-- Short pauses one after another are one long trouble.
alter table providers.provider add column paused_since timestamptz;
comment on column providers.provider.paused_since is 'When the first of the pauses began of which the one at hand is the last, each begun within a minute of the end of the one before.';
