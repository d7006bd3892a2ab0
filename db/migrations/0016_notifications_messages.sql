-- What people are told: messages on their way by e-mail and Telegram, the inbox, who wants to hear what, and texts that staff changed.
create schema if not exists notifications;

-- When Telegram is quiet for a user: minutes of the day in the user's time zone; may reach over midnight. Without a row, never.
create table notifications.quiet_hours (
  user_id bigint primary key references identity.user on delete cascade,
  begins smallint not null check (begins between 0 and 1439),
  ends smallint not null check (ends between 0 and 1439),
  constraint quiet_hours_last check (begins <> ends)
);

-- What a user chose; a choice that is not here is the default of the topic.
create table notifications.preference (
  user_id bigint not null references identity.user on delete cascade,
  topic text not null check (topic ~ '^[a-z_]{1,40}$'),
  channel text not null check (channel in ('email', 'inbox', 'telegram')),
  frequency text not null check (frequency in ('never', 'instantly', 'hourly', 'daily')),
  primary key (user_id, topic, channel)
);

-- One message to one recipient over one channel. Its state is the queue. The text is made when it is sent; no secret is ever in `data`.
create table notifications.message (
  id bigint generated always as identity primary key,
  -- The occasion and the channel: an occasion that is told of twice makes one message.
  key text not null check (char_length(key) between 1 and 200),
  channel text not null check (channel in ('email', 'telegram')),
  kind text not null check (kind ~ '^[a-z_]{1,40}$'),
  -- Null when it goes to the house, or to someone who is no user yet.
  user_id bigint references identity.user on delete cascade,
  -- Where to, when not to the user's own address or chat of the moment.
  address text check (char_length(address) between 1 and 254),
  locale text check (locale in ('en', 'bn', 'ru')),
  -- One message at a time goes to each.
  recipient text not null generated always as (coalesce('user:' || user_id::text, address)) stored,
  data json not null check (octet_length(data::text) <= 8192),
  state text not null default 'waiting' check (state in ('waiting', 'sending', 'sent', 'dead', 'dropped')),
  -- Tries whose failure was not the house's own.
  attempts smallint not null default 0 check (attempts >= 0),
  created_at timestamptz not null,
  -- While waiting: not before this.
  next_at timestamptz,
  -- While sending: when whoever took it is given up.
  claimed_until timestamptz,
  ended_at timestamptz,
  -- How the last try ended, or why it was dropped: for staff.
  reason text check (char_length(reason) between 1 and 60),
  reply text check (char_length(reply) <= 500),
  -- What the other side calls it.
  reference text check (char_length(reference) <= 200),
  constraint message_once unique (key),
  constraint message_addressed check (user_id is not null or address is not null),
  constraint message_waiting check ((state = 'waiting') = (next_at is not null)),
  constraint message_claimed check ((state = 'sending') = (claimed_until is not null)),
  constraint message_ended check ((state in ('sent', 'dead', 'dropped')) = (ended_at is not null))
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
create index message_due on notifications.message (channel, next_at) where state = 'waiting';
create index message_claimed on notifications.message (claimed_until) where state = 'sending';
create index message_on_its_way on notifications.message (recipient, channel) where state = 'sending';
create index message_ended on notifications.message (ended_at) where state in ('sent', 'dead', 'dropped');
create index message_by_state on notifications.message (state, id);
create index message_of_user on notifications.message (user_id, id);

-- What users read within Saldo, as it was told to them.
create table notifications.inbox (
  id bigint generated always as identity primary key,
  user_id bigint not null references identity.user on delete cascade,
  key text not null check (char_length(key) between 1 and 200),
  kind text not null check (kind ~ '^[a-z_]{1,40}$'),
  topic text not null check (topic ~ '^[a-z_]{1,40}$'),
  title text not null check (char_length(title) between 1 and 300),
  body text not null check (char_length(body) <= 4000),
  created_at timestamptz not null,
  read_at timestamptz,
  constraint inbox_once unique (user_id, key)
);
create index inbox_of_user on notifications.inbox (user_id, id);
create index inbox_unread on notifications.inbox (user_id, id) where read_at is null;
create index inbox_age on notifications.inbox (created_at);

-- Many occasions that become one message: what has come together for a user, a kind and a channel since the last one.
create table notifications.gathering (
  user_id bigint not null references identity.user on delete cascade,
  kind text not null check (kind ~ '^[a-z_]{1,40}$'),
  channel text not null check (channel in ('email', 'inbox', 'telegram')),
  -- How many of each sort, and the first few by name.
  tallies json not null default '{}' check (octet_length(tallies::text) <= 2048),
  -- Null when nothing is gathered.
  due_at timestamptz,
  told_at timestamptz,
  -- Messages told in quick succession: the next gathers longer.
  streak smallint not null default 0 check (streak >= 0),
  -- Grows with each message, which is named by it.
  round bigint not null default 1,
  primary key (user_id, kind, channel)
) with (fillfactor = 70);
create index gathering_due on notifications.gathering (due_at) where due_at is not null;

-- Texts that staff changed: each change is a version, the highest counts; one without texts is back to the house's own.
create table notifications.template (
  kind text not null check (kind ~ '^[a-z_]{1,40}$'),
  locale text not null check (locale in ('en', 'bn', 'ru')),
  version int not null check (version >= 1),
  texts json check (octet_length(texts::text) <= 20000),
  edited_by bigint references identity.user on delete restrict,
  edited_at timestamptz not null,
  primary key (kind, locale, version)
);

-- The chat in which a user is reached.
create table notifications.telegram_chat (
  user_id bigint primary key references identity.user on delete cascade,
  chat_id bigint not null,
  -- By which its owner knows it.
  chat_name text not null check (char_length(chat_name) <= 100),
  linked_at timestamptz not null,
  off_reason text check (off_reason in ('blocked', 'stopped', 'chat_gone')),
  off_at timestamptz,
  constraint telegram_chat_off check ((off_reason is null) = (off_at is null))
);
create index telegram_chat_id on notifications.telegram_chat (chat_id);

-- A code that links a chat, once. Only its hash is kept.
create table notifications.telegram_code (
  user_id bigint primary key references identity.user on delete cascade,
  code_hash bytea not null unique check (octet_length(code_hash) = 32),
  expires_at timestamptz not null
);

-- How far a bot's updates have been read, and by whom: Telegram lets one ask at a time.
create table notifications.telegram_bot (
  bot_id bigint primary key,
  next_update bigint not null,
  busy_until timestamptz
);

-- Everyone who signs in has an inbox and chooses how to be told.
update identity.role set permissions = permissions || '{messages:*:own}'::text[]
where not permissions && '{*,messages:*:own}'::text[];
