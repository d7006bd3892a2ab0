-- What the migrations come to. Kept by test/schema.test.ts; renew it with: npm test -- test/schema.test.ts -u

create table audit.act (
  id bigint default nextval('audit.act_id'::regclass) not null,
  at timestamp with time zone default now() not null,
  action text not null,
  actor_kind text not null,
  user_id bigint,
  via text,
  key_id bigint,
  ip inet,
  request_id text,
  user_agent text,
  subject_kind text,
  subject_id text,
  before json,
  after json,
  reason text,
  constraint act_action_check CHECK (((char_length(action) >= 3) AND (char_length(action) <= 80))),
  constraint act_actor_kind_check CHECK ((actor_kind = ANY (ARRAY['user'::text, 'system'::text, 'command'::text]))),
  constraint act_after_check CHECK ((octet_length((after)::text) <= 16384)),
  constraint act_before_check CHECK ((octet_length((before)::text) <= 16384)),
  constraint act_by_key CHECK (((key_id IS NULL) OR (via = 'key'::text))),
  constraint act_pkey PRIMARY KEY (at, id),
  constraint act_reason_check CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 1000))),
  constraint act_request_id_check CHECK (((char_length(request_id) >= 1) AND (char_length(request_id) <= 100))),
  constraint act_subject CHECK (((subject_kind IS NULL) = (subject_id IS NULL))),
  constraint act_subject_id_check CHECK (((char_length(subject_id) >= 1) AND (char_length(subject_id) <= 200))),
  constraint act_subject_kind_check CHECK (((char_length(subject_kind) >= 1) AND (char_length(subject_kind) <= 40))),
  constraint act_user_agent_check CHECK ((char_length(user_agent) <= 200)),
  constraint act_via_check CHECK ((via = ANY (ARRAY['session'::text, 'key'::text])))
) partition by RANGE (at);

CREATE INDEX act_from_ip ON ONLY audit.act USING btree (ip, at, id) WHERE (ip IS NOT NULL);

CREATE INDEX act_of_action ON ONLY audit.act USING btree (action, at, id);

CREATE INDEX act_of_actor ON ONLY audit.act USING btree (user_id, at, id) WHERE (user_id IS NOT NULL);

CREATE INDEX act_of_request ON ONLY audit.act USING btree (request_id, at, id) WHERE (request_id IS NOT NULL);

CREATE INDEX act_of_subject ON ONLY audit.act USING btree (subject_kind, subject_id, at, id) WHERE (subject_kind IS NOT NULL);

CREATE INDEX act_reason ON ONLY audit.act USING gin (audit.words(reason)) WHERE (reason IS NOT NULL);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON audit.act FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit.act FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

create sequence audit.act_id;

create table audit.seal (
  number bigint not null,
  first_act bigint not null,
  last_act bigint not null,
  hash bytea not null,
  at timestamp with time zone default now() not null,
  constraint seal_check CHECK ((last_act >= first_act)),
  constraint seal_first_act_check CHECK ((first_act > 0)),
  constraint seal_first_act_key UNIQUE (first_act),
  constraint seal_hash_check CHECK ((octet_length(hash) = 32)),
  constraint seal_number_check CHECK ((number > 0)),
  constraint seal_pkey PRIMARY KEY (number)
);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON audit.seal FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit.seal FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

create table audit.sealed_act (
  number bigint not null,
  act bigint not null,
  at timestamp with time zone not null,
  seal bigint not null,
  hash bytea not null,
  constraint sealed_act_hash_check CHECK ((octet_length(hash) = 32)),
  constraint sealed_act_number_check CHECK ((number > 0)),
  constraint sealed_act_pkey PRIMARY KEY (number),
  constraint sealed_act_seal_fkey FOREIGN KEY (seal) REFERENCES audit.seal(number),
  constraint sealed_once UNIQUE (act)
);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON audit.sealed_act FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit.sealed_act FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

create table audit.unsealed (
  act bigint not null,
  at timestamp with time zone not null
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=2000, autovacuum_vacuum_insert_scale_factor=0, autovacuum_vacuum_insert_threshold=20000, vacuum_truncate=off);

create table catalog.discount (
  id bigint generated always as identity not null,
  discount_bp bigint not null,
  below_margin boolean not null,
  over_at timestamp with time zone,
  constraint discount_discount_bp_check CHECK (((discount_bp >= 1) AND (discount_bp <= 10000))),
  constraint discount_pkey PRIMARY KEY (id)
);

CREATE INDEX discount_over ON catalog.discount USING btree (over_at);

CREATE TRIGGER revision AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON catalog.discount FOR EACH STATEMENT EXECUTE FUNCTION catalog.bump_revision();

create table catalog.discount_customer (
  customer_id bigint not null,
  discount_id bigint not null,
  granted_at timestamp with time zone not null,
  ends_at timestamp with time zone not null,
  constraint discount_customer_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES identity."user"(id) ON DELETE RESTRICT,
  constraint discount_customer_discount_id_fkey FOREIGN KEY (discount_id) REFERENCES catalog.discount(id) ON DELETE RESTRICT,
  constraint discount_customer_pkey PRIMARY KEY (customer_id, discount_id),
  constraint discount_customer_span CHECK ((ends_at > granted_at))
);

CREATE INDEX discount_customers ON catalog.discount_customer USING btree (discount_id, ends_at);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON catalog.discount_customer FOR EACH ROW EXECUTE FUNCTION catalog.refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON catalog.discount_customer FOR EACH STATEMENT EXECUTE FUNCTION catalog.refuse_change();

create table catalog.exchange_rate (
  id bigint generated always as identity not null,
  asset text not null,
  usd_per_unit bigint not null,
  at timestamp with time zone not null,
  source text not null,
  user_id bigint,
  constraint exchange_rate_asset_check CHECK ((asset <> 'USD'::text)),
  constraint exchange_rate_asset_fkey FOREIGN KEY (asset) REFERENCES ledger.asset(code),
  constraint exchange_rate_pkey PRIMARY KEY (id),
  constraint exchange_rate_source_check CHECK (((char_length(source) >= 1) AND (char_length(source) <= 200))),
  constraint exchange_rate_usd_per_unit_check CHECK ((usd_per_unit > 0))
);

CREATE INDEX exchange_rate_latest ON catalog.exchange_rate USING btree (asset, id);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON catalog.exchange_rate FOR EACH ROW EXECUTE FUNCTION catalog.refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON catalog.exchange_rate FOR EACH STATEMENT EXECUTE FUNCTION catalog.refuse_change();

create table catalog.markup_rule (
  id bigint generated always as identity not null,
  service_id bigint,
  category text,
  provider_id bigint,
  percent_bp bigint not null,
  fixed bigint not null,
  minimum_margin bigint not null,
  step bigint not null,
  updated_at timestamp with time zone default now() not null,
  updated_by bigint,
  constraint markup_rule_category_check CHECK (((char_length(category) >= 1) AND (char_length(category) <= 200))),
  constraint markup_rule_fixed_check CHECK (((fixed >= 0) AND (fixed <= '1000000000000'::bigint))),
  constraint markup_rule_minimum_margin_check CHECK (((minimum_margin >= 0) AND (minimum_margin <= '1000000000000'::bigint))),
  constraint markup_rule_once UNIQUE NULLS NOT DISTINCT (service_id, category, provider_id),
  constraint markup_rule_percent_bp_check CHECK (((percent_bp >= 0) AND (percent_bp <= 1000000))),
  constraint markup_rule_pkey PRIMARY KEY (id),
  constraint markup_rule_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES providers.provider(id) ON DELETE RESTRICT,
  constraint markup_rule_scope CHECK ((num_nonnulls(service_id, category, provider_id) <= 1)),
  constraint markup_rule_service_id_fkey FOREIGN KEY (service_id) REFERENCES catalog.service(id) ON DELETE RESTRICT,
  constraint markup_rule_step_check CHECK ((((step >= 100) AND (step <= 1000000000)) AND ((step % (100)::bigint) = 0)))
);

CREATE TRIGGER keep_house_rule BEFORE DELETE ON catalog.markup_rule FOR EACH ROW WHEN ((num_nonnulls(old.service_id, old.category, old.provider_id) = 0)) EXECUTE FUNCTION catalog.keep_house_rule();

CREATE TRIGGER revision AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON catalog.markup_rule FOR EACH STATEMENT EXECUTE FUNCTION catalog.bump_revision();

create table catalog.offer (
  id bigint generated always as identity not null,
  provider_id bigint not null,
  asked_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  user_id bigint,
  unreadable integer not null,
  listed integer not null,
  services json not null,
  constraint offer_check CHECK ((expires_at > asked_at)),
  constraint offer_listed_check CHECK (((listed >= 0) AND (listed <= 50000))),
  constraint offer_pkey PRIMARY KEY (id),
  constraint offer_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES providers.provider(id) ON DELETE RESTRICT,
  constraint offer_unreadable_check CHECK ((unreadable >= 0))
);

CREATE INDEX offer_of_provider ON catalog.offer USING btree (provider_id, id);

create table catalog.price_plan (
  id bigint generated always as identity not null,
  name text not null,
  discount_bp bigint not null,
  below_margin boolean default false not null,
  version bigint default 1 not null,
  updated_at timestamp with time zone default now() not null,
  constraint price_plan_discount_bp_check CHECK (((discount_bp >= 0) AND (discount_bp <= 10000))),
  constraint price_plan_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 80))),
  constraint price_plan_name_once UNIQUE (name),
  constraint price_plan_pkey PRIMARY KEY (id),
  constraint price_plan_version_check CHECK ((version >= 1))
);

CREATE TRIGGER revision AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON catalog.price_plan FOR EACH STATEMENT EXECUTE FUNCTION catalog.bump_revision();

create table catalog.price_plan_change (
  plan_id bigint not null,
  version bigint not null,
  at timestamp with time zone not null,
  user_id bigint,
  reason text,
  terms jsonb,
  constraint price_plan_change_pkey PRIMARY KEY (plan_id, version),
  constraint price_plan_change_reason_check CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 500))),
  constraint price_plan_change_version_check CHECK ((version >= 1))
);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON catalog.price_plan_change FOR EACH ROW EXECUTE FUNCTION catalog.refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON catalog.price_plan_change FOR EACH STATEMENT EXECUTE FUNCTION catalog.refuse_change();

create table catalog.price_plan_customer (
  customer_id bigint not null,
  plan_id bigint not null,
  constraint price_plan_customer_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES identity."user"(id) ON DELETE RESTRICT,
  constraint price_plan_customer_pkey PRIMARY KEY (customer_id),
  constraint price_plan_customer_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES catalog.price_plan(id) ON DELETE RESTRICT
);

CREATE INDEX price_plan_customers ON catalog.price_plan_customer USING btree (plan_id);

CREATE TRIGGER revision AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON catalog.price_plan_customer FOR EACH STATEMENT EXECUTE FUNCTION catalog.bump_revision();

create table catalog.price_plan_role (
  role text not null,
  plan_id bigint not null,
  constraint price_plan_role_pkey PRIMARY KEY (role),
  constraint price_plan_role_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES catalog.price_plan(id) ON DELETE RESTRICT,
  constraint price_plan_role_role_fkey FOREIGN KEY (role) REFERENCES identity.role(name) ON DELETE CASCADE
);

CREATE TRIGGER revision AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON catalog.price_plan_role FOR EACH STATEMENT EXECUTE FUNCTION catalog.bump_revision();

create table catalog.price_plan_term (
  plan_id bigint not null,
  service_id bigint,
  category text,
  rate bigint,
  discount_bp bigint,
  constraint price_plan_term_category_check CHECK (((char_length(category) >= 1) AND (char_length(category) <= 200))),
  constraint price_plan_term_discount_bp_check CHECK (((discount_bp >= 0) AND (discount_bp <= 10000))),
  constraint price_plan_term_kind CHECK ((num_nonnulls(rate, discount_bp) = 1)),
  constraint price_plan_term_once UNIQUE NULLS NOT DISTINCT (plan_id, service_id, category),
  constraint price_plan_term_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES catalog.price_plan(id) ON DELETE CASCADE,
  constraint price_plan_term_rate_check CHECK (((rate >= 0) AND (rate <= '1000000000000'::bigint))),
  constraint price_plan_term_scope CHECK ((num_nonnulls(service_id, category) = 1)),
  constraint price_plan_term_service_id_fkey FOREIGN KEY (service_id) REFERENCES catalog.service(id) ON DELETE RESTRICT
);

CREATE TRIGGER revision AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON catalog.price_plan_term FOR EACH STATEMENT EXECUTE FUNCTION catalog.bump_revision();

create table catalog.quarantine (
  service_id bigint not null,
  since timestamp with time zone not null,
  until timestamp with time zone not null,
  reason text not null,
  user_id bigint,
  trial_until timestamp with time zone,
  released_at timestamp with time zone,
  constraint quarantine_lasts CHECK ((until > since)),
  constraint quarantine_pkey PRIMARY KEY (service_id),
  constraint quarantine_reason_check CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 200))),
  constraint quarantine_service_id_fkey FOREIGN KEY (service_id) REFERENCES catalog.service(id) ON DELETE RESTRICT
);

CREATE TRIGGER revision AFTER INSERT OR DELETE OR UPDATE OF until, released_at OR TRUNCATE ON catalog.quarantine FOR EACH STATEMENT EXECUTE FUNCTION catalog.bump_revision();

create table catalog.refresh (
  provider_id bigint not null,
  tried_at timestamp with time zone not null,
  problem text,
  listed_at timestamp with time zone,
  listed integer,
  distrusted integer,
  constraint refresh_brought_something CHECK (((problem IS NOT NULL) OR (listed_at IS NOT NULL))),
  constraint refresh_distrusted CHECK (((distrusted IS NULL) OR (problem IS NOT NULL))),
  constraint refresh_distrusted_check CHECK ((distrusted >= 0)),
  constraint refresh_listed CHECK (((listed_at IS NULL) = (listed IS NULL))),
  constraint refresh_listed_check CHECK ((listed >= 0)),
  constraint refresh_pkey PRIMARY KEY (provider_id),
  constraint refresh_problem_check CHECK (((char_length(problem) >= 1) AND (char_length(problem) <= 500))),
  constraint refresh_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES providers.provider(id) ON DELETE RESTRICT
);

create table catalog.revision (
  singleton boolean default true not null,
  value bigint not null,
  constraint revision_pkey PRIMARY KEY (singleton),
  constraint revision_singleton_check CHECK (singleton)
);

create table catalog.service (
  id bigint generated always as identity not null,
  name text not null,
  category text not null,
  description text,
  type text not null,
  rate bigint not null,
  min bigint not null,
  max bigint not null,
  provider_id bigint not null,
  provider_service_id text not null,
  cost bigint not null,
  cost_asset text not null,
  cost_usd bigint,
  refill boolean default false not null,
  cancel boolean default false not null,
  dripfeed boolean default false not null,
  active boolean default true not null,
  deactivated_reason text,
  offered_rate bigint,
  offered_min bigint,
  offered_max bigint,
  offer_gap text,
  staff_rate bigint,
  staff_min bigint,
  staff_max bigint,
  staff_off boolean default false not null,
  position integer default 0 not null,
  version bigint default 1 not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  strategy text default 'fixed'::text not null,
  duplicate_links text default 'allow'::text not null,
  staff_category text,
  constraint service_category_check CHECK (((char_length(category) >= 1) AND (char_length(category) <= 200))),
  constraint service_check CHECK ((offered_max >= offered_min)),
  constraint service_cost_asset_check CHECK ((cost_asset ~ '^[A-Z][A-Z0-9]{1,11}$'::text)),
  constraint service_cost_check CHECK ((cost >= 0)),
  constraint service_cost_usd_check CHECK ((cost_usd >= 0)),
  constraint service_deactivated_reason_check CHECK ((deactivated_reason = ANY (ARRAY['staff'::text, 'vanished'::text, 'unreadable'::text, 'type_not_sold'::text, 'no_exchange_rate'::text, 'rate_out_of_range'::text, 'limits_conflict'::text, 'below_cost'::text]))),
  constraint service_description_check CHECK ((char_length(description) <= 10000)),
  constraint service_duplicate_links_check CHECK ((duplicate_links = ANY (ARRAY['allow'::text, 'refuse'::text]))),
  constraint service_limits CHECK (((1 <= min) AND (min <= max))),
  constraint service_max_check CHECK ((max <= 1000000000)),
  constraint service_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 500))),
  constraint service_of_provider UNIQUE (provider_id, provider_service_id),
  constraint service_offer_gap_check CHECK ((offer_gap = ANY (ARRAY['vanished'::text, 'unreadable'::text, 'type_not_sold'::text]))),
  constraint service_offered_min_check CHECK ((offered_min >= 1)),
  constraint service_offered_rate_check CHECK ((offered_rate >= 0)),
  constraint service_pkey PRIMARY KEY (id),
  constraint service_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES providers.provider(id) ON DELETE RESTRICT,
  constraint service_provider_service_id_check CHECK (((char_length(provider_service_id) >= 1) AND (char_length(provider_service_id) <= 100))),
  constraint service_rate_check CHECK (((rate >= 0) AND (rate <= '1000000000000'::bigint))),
  constraint service_reason CHECK (((NOT active) OR (deactivated_reason IS NULL))),
  constraint service_sellable CHECK (((NOT active) OR ((NOT staff_off) AND (offer_gap IS NULL)))),
  constraint service_staff_category_check CHECK (((char_length(staff_category) >= 1) AND (char_length(staff_category) <= 200))),
  constraint service_staff_max_check CHECK ((staff_max >= 1)),
  constraint service_staff_min_check CHECK ((staff_min >= 1)),
  constraint service_staff_rate_check CHECK ((staff_rate >= 0)),
  constraint service_strategy_check CHECK ((strategy = ANY (ARRAY['fixed'::text, 'cheapest'::text, 'weighted'::text]))),
  constraint service_type_check CHECK ((type = ANY (ARRAY['Default'::text, 'Package'::text, 'SEO'::text, 'Custom Comments'::text, 'Custom Comments Package'::text, 'Mentions'::text, 'Mentions with Hashtags'::text, 'Mentions Custom List'::text, 'Mentions Hashtag'::text, 'Mentions User Followers'::text, 'Mentions Media Likers'::text, 'Comment Likes'::text, 'Comment Replies'::text, 'Poll'::text, 'Invites from Groups'::text, 'Subscriptions'::text, 'Web Traffic'::text]))),
  constraint service_version_check CHECK ((version >= 1))
);

CREATE TRIGGER revision AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON catalog.service FOR EACH STATEMENT EXECUTE FUNCTION catalog.bump_revision();

create table catalog.service_change (
  id bigint generated always as identity not null,
  service_id bigint not null,
  at timestamp with time zone not null,
  cause text not null,
  user_id bigint,
  rate_before bigint,
  rate bigint not null,
  cost_usd_before bigint,
  cost_usd bigint,
  min_before bigint,
  min bigint not null,
  max_before bigint,
  max bigint not null,
  reason_before text,
  reason text,
  constraint service_change_cause_check CHECK ((cause = ANY (ARRAY['import'::text, 'refresh'::text, 'markup'::text, 'exchange_rate'::text, 'staff'::text]))),
  constraint service_change_new CHECK ((num_nonnulls(rate_before, min_before, max_before) = ANY (ARRAY[0, 3]))),
  constraint service_change_pkey PRIMARY KEY (id),
  constraint service_change_service_id_fkey FOREIGN KEY (service_id) REFERENCES catalog.service(id) ON DELETE RESTRICT
);

CREATE INDEX service_change_of_service ON catalog.service_change USING btree (service_id, id);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON catalog.service_change FOR EACH ROW EXECUTE FUNCTION catalog.refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON catalog.service_change FOR EACH STATEMENT EXECUTE FUNCTION catalog.refuse_change();

create table catalog.service_import (
  id bigint generated always as identity not null,
  provider_id bigint not null,
  at timestamp with time zone not null,
  user_id bigint,
  asked_at timestamp with time zone not null,
  chosen integer,
  created integer not null,
  updated integer not null,
  unchanged integer not null,
  deactivated integer not null,
  refused integer not null,
  percent_bp bigint,
  fixed bigint,
  minimum_margin bigint,
  step bigint,
  constraint service_import_chosen_check CHECK ((chosen > 0)),
  constraint service_import_created_check CHECK ((created >= 0)),
  constraint service_import_deactivated_check CHECK ((deactivated >= 0)),
  constraint service_import_markup CHECK ((num_nonnulls(percent_bp, fixed, minimum_margin, step) = ANY (ARRAY[0, 4]))),
  constraint service_import_outcomes CHECK (((chosen IS NULL) OR (chosen = (((created + updated) + unchanged) + refused)))),
  constraint service_import_pkey PRIMARY KEY (id),
  constraint service_import_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES providers.provider(id) ON DELETE RESTRICT,
  constraint service_import_refused_check CHECK ((refused >= 0)),
  constraint service_import_unchanged_check CHECK ((unchanged >= 0)),
  constraint service_import_updated_check CHECK ((updated >= 0))
);

CREATE INDEX service_import_of_provider ON catalog.service_import USING btree (provider_id, id);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON catalog.service_import FOR EACH ROW EXECUTE FUNCTION catalog.refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON catalog.service_import FOR EACH STATEMENT EXECUTE FUNCTION catalog.refuse_change();

create table catalog.source (
  service_id bigint not null,
  source_id bigint not null,
  priority integer not null,
  weight integer not null,
  enabled boolean not null,
  constraint source_pkey PRIMARY KEY (service_id, source_id),
  constraint source_priority_check CHECK (((priority >= 0) AND (priority <= 1000))),
  constraint source_service_id_fkey FOREIGN KEY (service_id) REFERENCES catalog.service(id) ON DELETE RESTRICT,
  constraint source_source_id_fkey FOREIGN KEY (source_id) REFERENCES catalog.service(id) ON DELETE RESTRICT,
  constraint source_weight_check CHECK (((weight >= 1) AND (weight <= 1000)))
);

CREATE INDEX source_of ON catalog.source USING btree (source_id);

CREATE TRIGGER revision AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON catalog.source FOR EACH STATEMENT EXECUTE FUNCTION catalog.bump_revision();

create table catalog.source_health (
  service_id bigint not null,
  measured_at timestamp with time zone not null,
  accepted integer not null,
  rejected integer not null,
  unknown integer not null,
  not_sent integer not null,
  median_ms integer,
  p95_ms integer,
  last_rejected_at timestamp with time zone,
  healthy boolean not null,
  constraint source_health_accepted_check CHECK ((accepted >= 0)),
  constraint source_health_median_ms_check CHECK ((median_ms >= 0)),
  constraint source_health_not_sent_check CHECK ((not_sent >= 0)),
  constraint source_health_p95_ms_check CHECK ((p95_ms >= 0)),
  constraint source_health_pkey PRIMARY KEY (service_id),
  constraint source_health_rejected_check CHECK ((rejected >= 0)),
  constraint source_health_service_id_fkey FOREIGN KEY (service_id) REFERENCES catalog.service(id) ON DELETE RESTRICT,
  constraint source_health_unknown_check CHECK ((unknown >= 0))
) with (fillfactor=70);

create table identity.api_key (
  id bigint generated always as identity not null,
  user_id bigint not null,
  name text not null,
  prefix text not null,
  key_hash bytea not null,
  scopes text[] not null,
  allowed_ips cidr[] default '{}'::cidr[] not null,
  legacy_get boolean default false not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  last_used_at timestamp with time zone,
  rotated_from bigint,
  suspended_at timestamp with time zone,
  suspended_by text,
  suspended_for text,
  suspension_evidence jsonb,
  spell smallint default 0 not null,
  constraint api_key_allowed_ips_check CHECK ((cardinality(allowed_ips) <= 50)),
  constraint api_key_check CHECK ((expires_at > created_at)),
  constraint api_key_key_hash_check CHECK ((octet_length(key_hash) = 32)),
  constraint api_key_key_hash_key UNIQUE (key_hash),
  constraint api_key_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100))),
  constraint api_key_pkey PRIMARY KEY (id),
  constraint api_key_prefix_check CHECK (((char_length(prefix) >= 6) AND (char_length(prefix) <= 16))),
  constraint api_key_rotated_from_fkey FOREIGN KEY (rotated_from) REFERENCES identity.api_key(id) ON DELETE SET NULL,
  constraint api_key_scopes_check CHECK ((((cardinality(scopes) >= 1) AND (cardinality(scopes) <= 20)) AND (scopes <@ '{*,read,order}'::text[]))),
  constraint api_key_spell CHECK ((spell >= 0)),
  constraint api_key_suspended CHECK ((num_nulls(suspended_at, suspended_by, suspended_for) = ANY (ARRAY[0, 3]))),
  constraint api_key_suspended_by CHECK ((suspended_by = ANY (ARRAY['rule'::text, 'staff'::text]))),
  constraint api_key_suspended_for CHECK (((char_length(suspended_for) >= 1) AND (char_length(suspended_for) <= 500))),
  constraint api_key_suspension_evidence CHECK (((suspended_at IS NOT NULL) OR (suspension_evidence IS NULL))),
  constraint api_key_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity."user"(id) ON DELETE RESTRICT
) with (fillfactor=80);

CREATE INDEX api_key_of_user ON identity.api_key USING btree (user_id, id);

CREATE UNIQUE INDEX api_key_rotation_once ON identity.api_key USING btree (rotated_from);

CREATE TRIGGER tell_change AFTER DELETE OR UPDATE OF scopes, allowed_ips, legacy_get, expires_at, revoked_at, suspended_at ON identity.api_key FOR EACH ROW EXECUTE FUNCTION identity.tell_change();

create table identity.email_change (
  id bigint generated always as identity not null,
  user_id bigint not null,
  new_email text not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  old_confirmed_at timestamp with time zone,
  new_confirmed_at timestamp with time zone,
  done_at timestamp with time zone,
  voided_at timestamp with time zone,
  constraint email_change_check CHECK ((expires_at > created_at)),
  constraint email_change_check1 CHECK (((done_at IS NULL) OR ((old_confirmed_at IS NOT NULL) AND (new_confirmed_at IS NOT NULL)))),
  constraint email_change_check2 CHECK (((voided_at IS NULL) OR (done_at IS NULL))),
  constraint email_change_new_email_check CHECK ((((char_length(new_email) >= 3) AND (char_length(new_email) <= 254)) AND (new_email !~ '[^\x21-\x7e]'::text) AND (new_email ~ '^[^@A-Z]+@[^@A-Z]+$'::text))),
  constraint email_change_pkey PRIMARY KEY (id),
  constraint email_change_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity."user"(id) ON DELETE CASCADE
);

CREATE INDEX email_change_expiry ON identity.email_change USING btree (expires_at);

CREATE INDEX email_change_of_user ON identity.email_change USING btree (user_id, created_at);

create table identity.key_hour (
  key_id bigint not null,
  hour timestamp with time zone not null,
  spell smallint not null,
  rest_requests bigint default 0 not null,
  panel_requests bigint default 0 not null,
  foreign_requests bigint default 0 not null,
  rate_limited bigint default 0 not null,
  orders bigint default 0 not null,
  spent bigint default 0 not null,
  orders_refused bigint default 0 not null,
  networks integer default 0 not null,
  constraint key_hour_key_id_fkey FOREIGN KEY (key_id) REFERENCES identity.api_key(id) ON DELETE CASCADE,
  constraint key_hour_pkey PRIMARY KEY (key_id, hour, spell)
) with (fillfactor=70);

CREATE INDEX key_hour_by_hour ON identity.key_hour USING btree (hour);

create table identity.key_network (
  key_id bigint not null,
  hour timestamp with time zone not null,
  spell smallint not null,
  network inet not null,
  constraint key_network_key_id_fkey FOREIGN KEY (key_id) REFERENCES identity.api_key(id) ON DELETE CASCADE,
  constraint key_network_pkey PRIMARY KEY (hour, key_id, spell, network)
);

create table identity.known_device (
  user_id bigint not null,
  token_hash bytea not null,
  network text not null,
  user_agent text not null,
  first_seen_at timestamp with time zone not null,
  last_seen_at timestamp with time zone not null,
  constraint known_device_network_check CHECK ((char_length(network) <= 50)),
  constraint known_device_pkey PRIMARY KEY (user_id, token_hash),
  constraint known_device_token_hash_check CHECK ((octet_length(token_hash) = 32)),
  constraint known_device_user_agent_check CHECK ((char_length(user_agent) <= 200)),
  constraint known_device_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity."user"(id) ON DELETE CASCADE
);

CREATE INDEX known_device_by_age ON identity.known_device USING btree (last_seen_at);

create table identity.one_time_link (
  id bigint generated always as identity not null,
  purpose text not null,
  user_id bigint,
  registration_id bigint,
  email_change_id bigint,
  email text not null,
  locale text not null,
  nonce text not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  used_at timestamp with time zone,
  voided_at timestamp with time zone,
  constraint one_time_link_check CHECK ((expires_at > created_at)),
  constraint one_time_link_check1 CHECK ((num_nonnulls(user_id, registration_id) = 1)),
  constraint one_time_link_check2 CHECK (((registration_id IS NULL) OR (purpose = 'confirm_email'::text))),
  constraint one_time_link_check3 CHECK (((email_change_id IS NOT NULL) = (purpose = ANY (ARRAY['confirm_new_email'::text, 'confirm_old_email'::text])))),
  constraint one_time_link_email_change_id_fkey FOREIGN KEY (email_change_id) REFERENCES identity.email_change(id) ON DELETE CASCADE,
  constraint one_time_link_email_check CHECK ((((char_length(email) >= 3) AND (char_length(email) <= 254)) AND (email !~ '[^\x21-\x7e]'::text) AND (email ~ '^[^@A-Z]+@[^@A-Z]+$'::text))),
  constraint one_time_link_locale_check CHECK ((locale = ANY (ARRAY['en'::text, 'bn'::text, 'ru'::text]))),
  constraint one_time_link_nonce_check CHECK ((nonce ~ '^[A-Za-z0-9_-]{22}$'::text)),
  constraint one_time_link_pkey PRIMARY KEY (id),
  constraint one_time_link_purpose_check CHECK ((purpose = ANY (ARRAY['confirm_email'::text, 'reset_password'::text, 'confirm_new_email'::text, 'confirm_old_email'::text, 'accept_invitation'::text]))),
  constraint one_time_link_registration_id_fkey FOREIGN KEY (registration_id) REFERENCES identity.registration(id) ON DELETE CASCADE,
  constraint one_time_link_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity."user"(id) ON DELETE CASCADE
);

CREATE INDEX one_time_link_expiry ON identity.one_time_link USING btree (expires_at);

CREATE INDEX one_time_link_of_change ON identity.one_time_link USING btree (email_change_id);

CREATE INDEX one_time_link_of_registration ON identity.one_time_link USING btree (registration_id);

CREATE INDEX one_time_link_of_user ON identity.one_time_link USING btree (user_id, purpose, created_at);

create table identity.recovery_code (
  user_id bigint not null,
  code_hash bytea not null,
  created_at timestamp with time zone not null,
  used_at timestamp with time zone,
  constraint recovery_code_code_hash_check CHECK ((octet_length(code_hash) = 32)),
  constraint recovery_code_pkey PRIMARY KEY (user_id, code_hash),
  constraint recovery_code_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity.totp(user_id) ON DELETE CASCADE
);

create table identity.registration (
  id bigint generated always as identity not null,
  handle_hash bytea not null,
  email text not null,
  name text not null,
  password_hash text not null,
  locale text not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  answered_at timestamp with time zone,
  confirmed_at timestamp with time zone,
  constraint registration_check CHECK ((expires_at > created_at)),
  constraint registration_email_check CHECK ((((char_length(email) >= 3) AND (char_length(email) <= 254)) AND (email !~ '[^\x21-\x7e]'::text) AND (email ~ '^[^@A-Z]+@[^@A-Z]+$'::text))),
  constraint registration_handle_hash_check CHECK ((octet_length(handle_hash) = 32)),
  constraint registration_handle_hash_key UNIQUE (handle_hash),
  constraint registration_locale_check CHECK ((locale = ANY (ARRAY['en'::text, 'bn'::text, 'ru'::text]))),
  constraint registration_name_check CHECK ((char_length(name) <= 100)),
  constraint registration_password_hash_check CHECK (((password_hash ~~ '$argon2id$%'::text) AND (char_length(password_hash) <= 300))),
  constraint registration_pkey PRIMARY KEY (id)
);

CREATE INDEX registration_expiry ON identity.registration USING btree (expires_at);

CREATE INDEX registration_of_email ON identity.registration USING btree (email, created_at);

create table identity.role (
  name text not null,
  permissions text[] not null,
  description text default ''::text not null,
  staff boolean default false not null,
  area text,
  built_in boolean default false not null,
  updated_at timestamp with time zone default now() not null,
  constraint role_area_check CHECK ((area = ANY (ARRAY['admin'::text, 'support'::text, 'teamlead'::text, 'trader'::text, 'merchant'::text]))),
  constraint role_description_check CHECK ((char_length(description) <= 300)),
  constraint role_name_check CHECK ((name ~ '^[a-z][a-z0-9_-]{1,39}$'::text)),
  constraint role_permissions_are_patterns CHECK (identity.are_patterns(permissions)),
  constraint role_permissions_check CHECK (((cardinality(permissions) <= 200) AND (array_position(permissions, NULL::text) IS NULL))),
  constraint role_pkey PRIMARY KEY (name)
);

CREATE TRIGGER administrator_is_whole BEFORE UPDATE OF name, permissions, staff ON identity.role FOR EACH ROW WHEN (((old.name = 'administrator'::text) AND ((new.name <> old.name) OR (new.permissions <> old.permissions) OR (NOT new.staff)))) EXECUTE FUNCTION identity.keep_administrators_whole();

CREATE TRIGGER administrator_is_whole_still BEFORE DELETE ON identity.role FOR EACH ROW WHEN ((old.name = 'administrator'::text)) EXECUTE FUNCTION identity.keep_administrators_whole();

CREATE TRIGGER tell_change AFTER DELETE OR UPDATE OF name, permissions, staff, area ON identity.role FOR EACH ROW EXECUTE FUNCTION identity.tell_change();

create table identity.session (
  token_hash bytea not null,
  user_id bigint not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  last_seen_at timestamp with time zone not null,
  user_agent text default ''::text not null,
  ip inet,
  ended_at timestamp with time zone,
  id bigint generated always as identity not null,
  area text,
  constraint session_area_check CHECK ((area = ANY (ARRAY['admin'::text, 'support'::text, 'teamlead'::text, 'trader'::text, 'merchant'::text]))),
  constraint session_check CHECK ((expires_at > created_at)),
  constraint session_id_key UNIQUE (id),
  constraint session_pkey PRIMARY KEY (token_hash),
  constraint session_token_hash_check CHECK ((octet_length(token_hash) = 32)),
  constraint session_user_agent_check CHECK ((char_length(user_agent) <= 200)),
  constraint session_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity."user"(id) ON DELETE CASCADE
) with (fillfactor=80);

CREATE INDEX session_expiry ON identity.session USING btree (expires_at);

CREATE INDEX session_of_user ON identity.session USING btree (user_id, created_at);

CREATE TRIGGER tell_deletion AFTER DELETE ON identity.session FOR EACH ROW WHEN (((old.ended_at IS NULL) AND (old.expires_at > now()))) EXECUTE FUNCTION identity.tell_change();

CREATE TRIGGER tell_ending AFTER UPDATE OF ended_at, expires_at ON identity.session FOR EACH ROW WHEN ((old.ended_at IS NULL)) EXECUTE FUNCTION identity.tell_change();

CREATE TRIGGER tell_rotation AFTER UPDATE OF token_hash ON identity.session FOR EACH ROW WHEN ((old.token_hash <> new.token_hash)) EXECUTE FUNCTION identity.tell_change();

create table identity.sign_in_challenge (
  token_hash bytea not null,
  user_id bigint not null,
  area text,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  constraint sign_in_challenge_area_check CHECK ((area = ANY (ARRAY['admin'::text, 'support'::text, 'teamlead'::text, 'trader'::text, 'merchant'::text]))),
  constraint sign_in_challenge_check CHECK ((expires_at > created_at)),
  constraint sign_in_challenge_pkey PRIMARY KEY (token_hash),
  constraint sign_in_challenge_token_hash_check CHECK ((octet_length(token_hash) = 32)),
  constraint sign_in_challenge_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity."user"(id) ON DELETE CASCADE
);

CREATE INDEX sign_in_challenge_expiry ON identity.sign_in_challenge USING btree (expires_at);

CREATE INDEX sign_in_challenge_of_user ON identity.sign_in_challenge USING btree (user_id);

create table identity.totp (
  user_id bigint not null,
  secret_ciphertext bytea not null,
  key_id text not null,
  created_at timestamp with time zone not null,
  confirmed_at timestamp with time zone,
  last_step bigint,
  constraint totp_key_id_check CHECK ((key_id ~ '^[0-9a-f]{16}$'::text)),
  constraint totp_last_step_check CHECK ((last_step >= 0)),
  constraint totp_pkey PRIMARY KEY (user_id),
  constraint totp_secret_ciphertext_check CHECK (((octet_length(secret_ciphertext) >= 29) AND (octet_length(secret_ciphertext) <= 300))),
  constraint totp_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity."user"(id) ON DELETE CASCADE
);

CREATE TRIGGER tell_change AFTER INSERT OR DELETE OR UPDATE OF confirmed_at ON identity.totp FOR EACH ROW EXECUTE FUNCTION identity.tell_user_change();

create table identity.user (
  id bigint generated always as identity not null,
  email text not null,
  name text default ''::text not null,
  password_hash text not null,
  role text not null,
  state text default 'active'::text not null,
  locale text default 'en'::text not null,
  created_at timestamp with time zone default now() not null,
  email_confirmed_at timestamp with time zone,
  self_registered boolean default false not null,
  time_zone text default 'UTC'::text not null,
  password_changed_at timestamp with time zone,
  granted text[] default '{}'::text[] not null,
  denied text[] default '{}'::text[] not null,
  blocked_at timestamp with time zone,
  blocked_reason text,
  constraint user_blocked_at_is_of_blocked CHECK (((blocked_at IS NULL) OR (state = 'blocked'::text))),
  constraint user_blocked_reason_check CHECK (((char_length(blocked_reason) >= 1) AND (char_length(blocked_reason) <= 500))),
  constraint user_blocked_reason_is_of_blocked CHECK (((blocked_reason IS NULL) OR (state = 'blocked'::text))),
  constraint user_denied_check CHECK (((cardinality(denied) <= 200) AND (array_position(denied, NULL::text) IS NULL) AND identity.are_patterns(denied))),
  constraint user_email_check CHECK ((((char_length(email) >= 3) AND (char_length(email) <= 254)) AND (email !~ '[^\x21-\x7e]'::text) AND (email ~ '^[^@A-Z]+@[^@A-Z]+$'::text))),
  constraint user_email_key UNIQUE (email),
  constraint user_granted_check CHECK (((cardinality(granted) <= 200) AND (array_position(granted, NULL::text) IS NULL) AND identity.are_patterns(granted))),
  constraint user_locale_check CHECK ((locale = ANY (ARRAY['en'::text, 'bn'::text, 'ru'::text]))),
  constraint user_name_check CHECK ((char_length(name) <= 100)),
  constraint user_password_hash_check CHECK (((password_hash ~~ '$argon2id$%'::text) AND (char_length(password_hash) <= 300))),
  constraint user_pkey PRIMARY KEY (id),
  constraint user_role_fkey FOREIGN KEY (role) REFERENCES identity.role(name) ON UPDATE CASCADE ON DELETE RESTRICT,
  constraint user_state_check CHECK ((state = ANY (ARRAY['active'::text, 'blocked'::text]))),
  constraint user_time_zone_check CHECK (((char_length(time_zone) >= 1) AND (char_length(time_zone) <= 64)))
);

CREATE INDEX user_by_email_start ON identity."user" USING btree (email text_pattern_ops);

CREATE INDEX user_by_name_start ON identity."user" USING btree (lower(name) text_pattern_ops) WHERE (name <> ''::text);

CREATE INDEX user_by_role ON identity."user" USING btree (role, id DESC);

CREATE INDEX user_password_cost ON identity."user" USING btree (split_part(password_hash, '$'::text, 4));

CREATE TRIGGER keep_an_administrator AFTER UPDATE OF role, state, denied ON identity."user" FOR EACH ROW WHEN (((old.role = 'administrator'::text) AND (old.state = 'active'::text) AND (old.denied = '{}'::text[]) AND (NOT ((new.role = 'administrator'::text) AND (new.state = 'active'::text) AND (new.denied = '{}'::text[]))))) EXECUTE FUNCTION identity.keep_an_administrator();

CREATE TRIGGER keep_an_administrator_there AFTER DELETE ON identity."user" FOR EACH ROW WHEN (((old.role = 'administrator'::text) AND (old.state = 'active'::text) AND (old.denied = '{}'::text[]))) EXECUTE FUNCTION identity.keep_an_administrator();

CREATE TRIGGER tell_change AFTER DELETE OR UPDATE OF role, state, granted, denied ON identity."user" FOR EACH ROW EXECUTE FUNCTION identity.tell_change();

CREATE TRIGGER tell_confirmation AFTER UPDATE OF email_confirmed_at ON identity."user" FOR EACH ROW WHEN ((old.email_confirmed_at IS DISTINCT FROM new.email_confirmed_at)) EXECUTE FUNCTION identity.tell_user_change();

create table ledger.account_name (
  id bigint generated always as identity not null,
  owner_kind text not null,
  owner_id bigint not null,
  purpose text not null,
  asset text not null,
  constraint account_name_asset_fkey FOREIGN KEY (asset) REFERENCES ledger.asset(code),
  constraint account_name_owner_kind_check CHECK (((char_length(owner_kind) >= 1) AND (char_length(owner_kind) <= 32))),
  constraint account_name_pkey PRIMARY KEY (id),
  constraint account_name_purpose_check CHECK (((char_length(purpose) >= 1) AND (char_length(purpose) <= 32))),
  constraint account_once UNIQUE (owner_kind, owner_id, purpose, asset)
);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON ledger.account_name FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledger.account_name FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

create table ledger.asset (
  code text not null,
  scale smallint not null,
  constraint asset_code_check CHECK ((code ~ '^[A-Z][A-Z0-9]{1,11}$'::text)),
  constraint asset_pkey PRIMARY KEY (code),
  constraint asset_scale_check CHECK (((scale >= 0) AND (scale <= 18)))
);

create table ledger.balance (
  account bigint not null,
  posted bigint default 0 not null,
  held bigint default 0 not null,
  credit_limit ledger.credit_limit,
  version bigint default 0 not null,
  asset text not null,
  constraint balance_covered CHECK (((posted - held) >= (- (credit_limit)::bigint))),
  constraint balance_held_check CHECK ((held >= 0)),
  constraint balance_pkey PRIMARY KEY (account)
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0.05);

create sequence ledger.block;

create table ledger.entry (
  key text not null,
  id bigint,
  hash uuid not null,
  refusal text,
  constraint entry_key_check CHECK (((char_length(key) >= 1) AND (char_length(key) <= 200))),
  constraint entry_moved CHECK (((refusal IS NULL) = (id IS NOT NULL))),
  constraint entry_once PRIMARY KEY (key),
  constraint entry_refusal_check CHECK (((char_length(refusal) >= 1) AND (char_length(refusal) <= 40)))
);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON ledger.entry FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledger.entry FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

create table ledger.hold (
  id bigint not null,
  entry bigint not null,
  account bigint not null,
  amount bigint not null,
  captured bigint default 0 not null,
  released bigint default 0 not null,
  subject_id bigint,
  posted bigint not null,
  held bigint not null,
  version bigint not null,
  expires_at timestamp with time zone,
  at timestamp with time zone not null,
  state text default 'open'::text not null,
  subject_kind text,
  constraint hold_amount_check CHECK ((amount > 0)),
  constraint hold_captured_check CHECK ((captured >= 0)),
  constraint hold_closed CHECK (((state = 'closed'::text) = ((captured + released) = amount))),
  constraint hold_not_exceeded CHECK (((captured + released) <= amount)),
  constraint hold_pkey PRIMARY KEY (id),
  constraint hold_released_check CHECK ((released >= 0)),
  constraint hold_state_check CHECK ((state = ANY (ARRAY['open'::text, 'closed'::text]))),
  constraint hold_subject_kind_check CHECK (((char_length(subject_kind) >= 1) AND (char_length(subject_kind) <= 32)))
) with (fillfactor=80);

CREATE INDEX hold_expiring ON ledger.hold USING btree (expires_at) WHERE ((state = 'open'::text) AND (expires_at IS NOT NULL));

CREATE INDEX hold_of_subject ON ledger.hold USING btree (subject_id, subject_kind) WHERE ((state = 'open'::text) AND (subject_id IS NOT NULL));

CREATE TRIGGER immutable BEFORE UPDATE OF id, entry, account, amount, subject_id, subject_kind, posted, held, version, expires_at, at ON ledger.hold FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();

CREATE TRIGGER never_deleted BEFORE DELETE ON ledger.hold FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledger.hold FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

create table ledger.line (
  account bigint not null,
  version bigint not null,
  movement bigint not null,
  constraint line_once PRIMARY KEY (account, version) INCLUDE (movement),
  constraint line_version_check CHECK ((version > 0))
);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON ledger.line FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledger.line FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

create table ledger.release (
  id bigint not null,
  entry bigint not null,
  hold bigint not null,
  account bigint not null,
  amount bigint not null,
  posted bigint not null,
  held bigint not null,
  version bigint not null,
  at timestamp with time zone not null,
  constraint release_amount_check CHECK ((amount > 0)),
  constraint release_pkey PRIMARY KEY (id, at)
) partition by RANGE (at);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON ledger.release FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledger.release FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

create table ledger.reversal (
  transfer bigint not null,
  reversed_by bigint not null,
  constraint reversal_once PRIMARY KEY (transfer)
);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON ledger.reversal FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledger.reversal FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

create table ledger.seal (
  number bigint not null,
  first_line bigint not null,
  last_line bigint not null,
  hash bytea not null,
  at timestamp with time zone default now() not null,
  constraint seal_check CHECK ((last_line >= first_line)),
  constraint seal_first_line_check CHECK ((first_line > 0)),
  constraint seal_first_line_key UNIQUE (first_line),
  constraint seal_hash_check CHECK ((octet_length(hash) = 32)),
  constraint seal_number_check CHECK ((number > 0)),
  constraint seal_pkey PRIMARY KEY (number)
);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON ledger.seal FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledger.seal FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

create table ledger.sealed_block (
  block bigint not null,
  seal bigint not null,
  first_line bigint not null,
  movements smallint not null,
  hash bytea not null,
  at timestamp with time zone not null,
  constraint sealed_block_hash_check CHECK ((octet_length(hash) = 32)),
  constraint sealed_block_movements_check CHECK (((movements >= 1) AND (movements <= 16384))),
  constraint sealed_block_pkey PRIMARY KEY (block),
  constraint sealed_block_seal_fkey FOREIGN KEY (seal) REFERENCES ledger.seal(number)
);

CREATE INDEX sealed_block_of_seal ON ledger.sealed_block USING btree (seal);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON ledger.sealed_block FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledger.sealed_block FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

create table ledger.transfer (
  id bigint not null,
  entry bigint not null,
  debit bigint not null,
  credit bigint not null,
  amount bigint not null,
  hold bigint,
  reverses bigint,
  subject_id bigint,
  debit_posted bigint not null,
  debit_held bigint not null,
  debit_version bigint not null,
  credit_posted bigint not null,
  credit_held bigint not null,
  credit_version bigint not null,
  at timestamp with time zone not null,
  reason text not null,
  subject_kind text,
  constraint transfer_amount_check CHECK ((amount > 0)),
  constraint transfer_check CHECK ((debit <> credit)),
  constraint transfer_pkey PRIMARY KEY (id, at),
  constraint transfer_reason_check CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 60))),
  constraint transfer_subject_kind_check CHECK (((char_length(subject_kind) >= 1) AND (char_length(subject_kind) <= 32)))
) partition by RANGE (at);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON ledger.transfer FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledger.transfer FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

create table ledger.unsealed (
  block bigint not null,
  movements smallint not null,
  at timestamp with time zone not null,
  constraint unsealed_movements_check CHECK (((movements >= 1) AND (movements <= 16384)))
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=2000, autovacuum_vacuum_insert_scale_factor=0, autovacuum_vacuum_insert_threshold=20000, autovacuum_vacuum_cost_delay=0, vacuum_truncate=off);

create table notifications.alert (
  id bigint generated always as identity not null,
  kind text not null,
  subject text not null,
  data json not null,
  raised_at timestamp with time zone not null,
  last_seen_at timestamp with time zone not null,
  count bigint default 1 not null,
  told_at timestamp with time zone,
  tellings integer default 0 not null,
  next_tell_at timestamp with time zone,
  good_since timestamp with time zone,
  cleared_at timestamp with time zone,
  acknowledged_at timestamp with time zone,
  acknowledged_by bigint,
  constraint alert_acknowledged_by_fkey FOREIGN KEY (acknowledged_by) REFERENCES identity."user"(id) ON DELETE SET NULL,
  constraint alert_count_check CHECK ((count >= 1)),
  constraint alert_data_check CHECK ((octet_length((data)::text) <= 4096)),
  constraint alert_kind_check CHECK ((kind ~ '^[a-z_]{1,40}$'::text)),
  constraint alert_pkey PRIMARY KEY (id),
  constraint alert_quiet CHECK (((next_tell_at IS NULL) OR ((cleared_at IS NULL) AND (acknowledged_at IS NULL)))),
  constraint alert_subject_check CHECK ((char_length(subject) <= 100)),
  constraint alert_tellings_check CHECK ((tellings >= 0)),
  constraint alert_told CHECK (((told_at IS NULL) = (tellings = 0)))
) with (fillfactor=80);

CREATE INDEX alert_cleared ON notifications.alert USING btree (cleared_at) WHERE (cleared_at IS NOT NULL);

CREATE INDEX alert_to_clear ON notifications.alert USING btree (good_since) WHERE ((good_since IS NOT NULL) AND (cleared_at IS NULL));

CREATE INDEX alert_to_tell ON notifications.alert USING btree (next_tell_at) WHERE (next_tell_at IS NOT NULL);

CREATE UNIQUE INDEX alert_open_once ON notifications.alert USING btree (kind, subject) WHERE (cleared_at IS NULL);

create table notifications.gathering (
  user_id bigint not null,
  kind text not null,
  channel text not null,
  tallies json default '{}'::json not null,
  due_at timestamp with time zone,
  told_at timestamp with time zone,
  streak smallint default 0 not null,
  round bigint default 1 not null,
  constraint gathering_channel_check CHECK ((channel = ANY (ARRAY['email'::text, 'inbox'::text, 'telegram'::text]))),
  constraint gathering_kind_check CHECK ((kind ~ '^[a-z_]{1,40}$'::text)),
  constraint gathering_pkey PRIMARY KEY (user_id, kind, channel),
  constraint gathering_streak_check CHECK ((streak >= 0)),
  constraint gathering_tallies_check CHECK ((octet_length((tallies)::text) <= 2048)),
  constraint gathering_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity."user"(id) ON DELETE CASCADE
) with (fillfactor=70);

CREATE INDEX gathering_due ON notifications.gathering USING btree (due_at) WHERE (due_at IS NOT NULL);

create table notifications.inbox (
  id bigint generated always as identity not null,
  user_id bigint not null,
  key text not null,
  kind text not null,
  topic text not null,
  title text not null,
  body text not null,
  created_at timestamp with time zone not null,
  read_at timestamp with time zone,
  constraint inbox_body_check CHECK ((char_length(body) <= 4000)),
  constraint inbox_key_check CHECK (((char_length(key) >= 1) AND (char_length(key) <= 200))),
  constraint inbox_kind_check CHECK ((kind ~ '^[a-z_]{1,40}$'::text)),
  constraint inbox_once UNIQUE (user_id, key),
  constraint inbox_pkey PRIMARY KEY (id),
  constraint inbox_title_check CHECK (((char_length(title) >= 1) AND (char_length(title) <= 300))),
  constraint inbox_topic_check CHECK ((topic ~ '^[a-z_]{1,40}$'::text)),
  constraint inbox_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity."user"(id) ON DELETE CASCADE
);

CREATE INDEX inbox_age ON notifications.inbox USING btree (created_at);

CREATE INDEX inbox_of_user ON notifications.inbox USING btree (user_id, id);

CREATE INDEX inbox_unread ON notifications.inbox USING btree (user_id, id) WHERE (read_at IS NULL);

create table notifications.message (
  id bigint generated always as identity not null,
  key text not null,
  channel text not null,
  kind text not null,
  user_id bigint,
  address text,
  locale text,
  recipient text generated always as (COALESCE(('user:'::text || (user_id)::text), address)) stored not null,
  data json not null,
  state text default 'waiting'::text not null,
  attempts smallint default 0 not null,
  created_at timestamp with time zone not null,
  next_at timestamp with time zone,
  claimed_until timestamp with time zone,
  ended_at timestamp with time zone,
  reason text,
  reply text,
  reference text,
  constraint message_address_check CHECK (((char_length(address) >= 1) AND (char_length(address) <= 254))),
  constraint message_addressed CHECK (((user_id IS NOT NULL) OR (address IS NOT NULL))),
  constraint message_attempts_check CHECK ((attempts >= 0)),
  constraint message_channel_check CHECK ((channel = ANY (ARRAY['email'::text, 'telegram'::text]))),
  constraint message_claimed CHECK (((state = 'sending'::text) = (claimed_until IS NOT NULL))),
  constraint message_data_check CHECK ((octet_length((data)::text) <= 8192)),
  constraint message_ended CHECK (((state = ANY (ARRAY['sent'::text, 'dead'::text, 'dropped'::text])) = (ended_at IS NOT NULL))),
  constraint message_key_check CHECK (((char_length(key) >= 1) AND (char_length(key) <= 200))),
  constraint message_kind_check CHECK ((kind ~ '^[a-z_]{1,40}$'::text)),
  constraint message_locale_check CHECK ((locale = ANY (ARRAY['en'::text, 'bn'::text, 'ru'::text]))),
  constraint message_once UNIQUE (key),
  constraint message_pkey PRIMARY KEY (id),
  constraint message_reason_check CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 60))),
  constraint message_reference_check CHECK ((char_length(reference) <= 200)),
  constraint message_reply_check CHECK ((char_length(reply) <= 500)),
  constraint message_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'sending'::text, 'sent'::text, 'dead'::text, 'dropped'::text]))),
  constraint message_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity."user"(id) ON DELETE CASCADE,
  constraint message_waiting CHECK (((state = 'waiting'::text) = (next_at IS NOT NULL)))
) with (fillfactor=80, autovacuum_vacuum_scale_factor=0.05);

CREATE INDEX message_by_state ON notifications.message USING btree (state, id);

CREATE INDEX message_claimed ON notifications.message USING btree (claimed_until) WHERE (state = 'sending'::text);

CREATE INDEX message_due ON notifications.message USING btree (channel, next_at) WHERE (state = 'waiting'::text);

CREATE INDEX message_ended ON notifications.message USING btree (ended_at) WHERE (state = ANY (ARRAY['sent'::text, 'dead'::text, 'dropped'::text]));

CREATE INDEX message_of_user ON notifications.message USING btree (user_id, id);

CREATE INDEX message_on_its_way ON notifications.message USING btree (recipient, channel) WHERE (state = 'sending'::text);

create table notifications.occasion (
  id bigint generated always as identity not null,
  user_id bigint not null,
  kind text not null,
  tallies json not null,
  at timestamp with time zone not null,
  constraint occasion_kind_check CHECK ((kind ~ '^[a-z_]{1,40}$'::text)),
  constraint occasion_pkey PRIMARY KEY (id),
  constraint occasion_tallies_check CHECK ((octet_length((tallies)::text) <= 2048))
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000, autovacuum_vacuum_insert_scale_factor=0, autovacuum_vacuum_insert_threshold=50000, autovacuum_vacuum_cost_delay=0);

create table notifications.preference (
  user_id bigint not null,
  topic text not null,
  channel text not null,
  frequency text not null,
  constraint preference_channel_check CHECK ((channel = ANY (ARRAY['email'::text, 'inbox'::text, 'telegram'::text]))),
  constraint preference_frequency_check CHECK ((frequency = ANY (ARRAY['never'::text, 'instantly'::text, 'hourly'::text, 'daily'::text]))),
  constraint preference_pkey PRIMARY KEY (user_id, topic, channel),
  constraint preference_topic_check CHECK ((topic ~ '^[a-z_]{1,40}$'::text)),
  constraint preference_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity."user"(id) ON DELETE CASCADE
);

create table notifications.quiet_hours (
  user_id bigint not null,
  begins smallint not null,
  ends smallint not null,
  constraint quiet_hours_begins_check CHECK (((begins >= 0) AND (begins <= 1439))),
  constraint quiet_hours_ends_check CHECK (((ends >= 0) AND (ends <= 1439))),
  constraint quiet_hours_last CHECK ((begins <> ends)),
  constraint quiet_hours_pkey PRIMARY KEY (user_id),
  constraint quiet_hours_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity."user"(id) ON DELETE CASCADE
);

create table notifications.telegram_bot (
  bot_id bigint not null,
  next_update bigint not null,
  busy_until timestamp with time zone,
  constraint telegram_bot_pkey PRIMARY KEY (bot_id)
);

create table notifications.telegram_chat (
  user_id bigint not null,
  chat_id bigint not null,
  chat_name text not null,
  linked_at timestamp with time zone not null,
  off_reason text,
  off_at timestamp with time zone,
  constraint telegram_chat_chat_name_check CHECK ((char_length(chat_name) <= 100)),
  constraint telegram_chat_off CHECK (((off_reason IS NULL) = (off_at IS NULL))),
  constraint telegram_chat_off_reason_check CHECK ((off_reason = ANY (ARRAY['blocked'::text, 'stopped'::text, 'chat_gone'::text]))),
  constraint telegram_chat_pkey PRIMARY KEY (user_id),
  constraint telegram_chat_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity."user"(id) ON DELETE CASCADE
);

CREATE INDEX telegram_chat_id ON notifications.telegram_chat USING btree (chat_id);

create table notifications.telegram_code (
  user_id bigint not null,
  code_hash bytea not null,
  expires_at timestamp with time zone not null,
  constraint telegram_code_code_hash_check CHECK ((octet_length(code_hash) = 32)),
  constraint telegram_code_code_hash_key UNIQUE (code_hash),
  constraint telegram_code_pkey PRIMARY KEY (user_id),
  constraint telegram_code_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity."user"(id) ON DELETE CASCADE
);

create table notifications.template (
  kind text not null,
  locale text not null,
  version integer not null,
  texts json,
  edited_by bigint,
  edited_at timestamp with time zone not null,
  constraint template_edited_by_fkey FOREIGN KEY (edited_by) REFERENCES identity."user"(id) ON DELETE RESTRICT,
  constraint template_kind_check CHECK ((kind ~ '^[a-z_]{1,40}$'::text)),
  constraint template_locale_check CHECK ((locale = ANY (ARRAY['en'::text, 'bn'::text, 'ru'::text]))),
  constraint template_pkey PRIMARY KEY (kind, locale, version),
  constraint template_texts_check CHECK ((octet_length((texts)::text) <= 20000)),
  constraint template_version_check CHECK ((version >= 1))
);

create table notifications.webhook (
  id bigint generated by default as identity not null,
  user_id bigint not null,
  url text not null,
  description text default ''::text not null,
  event_types text[] not null,
  signature text default 'standard'::text not null,
  secret_ciphertext bytea not null,
  secret_key_id text not null,
  previous_ciphertext bytea,
  previous_key_id text,
  previous_until timestamp with time zone,
  state text default 'enabled'::text not null,
  disabled_reason text,
  disabled_at timestamp with time zone,
  created_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  version bigint default 1 not null,
  constraint webhook_description_check CHECK ((char_length(description) <= 200)),
  constraint webhook_disabled CHECK ((((state = 'disabled'::text) = (disabled_reason IS NOT NULL)) AND ((state = 'disabled'::text) = (disabled_at IS NOT NULL)))),
  constraint webhook_disabled_reason_check CHECK ((disabled_reason = ANY (ARRAY['owner'::text, 'staff'::text, 'gone'::text, 'failing'::text]))),
  constraint webhook_event_types_check CHECK ((((cardinality(event_types) >= 1) AND (cardinality(event_types) <= 50)) AND (array_position(event_types, NULL::text) IS NULL))),
  constraint webhook_pkey PRIMARY KEY (id),
  constraint webhook_previous CHECK ((((previous_ciphertext IS NULL) = (previous_until IS NULL)) AND ((previous_ciphertext IS NULL) = (previous_key_id IS NULL)))),
  constraint webhook_previous_ciphertext_check CHECK (((octet_length(previous_ciphertext) >= 29) AND (octet_length(previous_ciphertext) <= 500))),
  constraint webhook_previous_key_id_check CHECK (((char_length(previous_key_id) >= 1) AND (char_length(previous_key_id) <= 64))),
  constraint webhook_secret_ciphertext_check CHECK (((octet_length(secret_ciphertext) >= 29) AND (octet_length(secret_ciphertext) <= 500))),
  constraint webhook_secret_key_id_check CHECK (((char_length(secret_key_id) >= 1) AND (char_length(secret_key_id) <= 64))),
  constraint webhook_signature_check CHECK ((signature = ANY (ARRAY['standard'::text, 'hmac_sha256'::text]))),
  constraint webhook_state_check CHECK ((state = ANY (ARRAY['enabled'::text, 'disabled'::text]))),
  constraint webhook_url_check CHECK (((url ~ '^https?://'::text) AND (char_length(url) <= 2000))),
  constraint webhook_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity."user"(id) ON DELETE RESTRICT,
  constraint webhook_version_check CHECK ((version >= 1))
);

CREATE INDEX webhook_deleted ON notifications.webhook USING btree (deleted_at) WHERE (deleted_at IS NOT NULL);

CREATE INDEX webhook_of_user ON notifications.webhook USING btree (user_id, id) WHERE (deleted_at IS NULL);

create table notifications.webhook_attempt (
  event_id uuid not null,
  webhook_id bigint not null,
  number integer not null,
  at timestamp with time zone not null,
  manual boolean not null,
  url text not null,
  request_headers json not null,
  duration_ms integer not null,
  status smallint,
  failure text,
  response_headers json,
  response_body text,
  constraint webhook_attempt_check CHECK (((status IS NULL) = (failure IS NOT NULL))),
  constraint webhook_attempt_duration_ms_check CHECK ((duration_ms >= 0)),
  constraint webhook_attempt_failure_check CHECK (((char_length(failure) >= 1) AND (char_length(failure) <= 40))),
  constraint webhook_attempt_number_check CHECK ((number >= 1)),
  constraint webhook_attempt_pkey PRIMARY KEY (event_id, webhook_id, number),
  constraint webhook_attempt_response_body_check CHECK ((char_length(response_body) <= 4100)),
  constraint webhook_attempt_url_check CHECK ((char_length(url) <= 2100))
);

create table notifications.webhook_delivery (
  event_id uuid not null,
  webhook_id bigint not null,
  state text not null,
  manual boolean default false not null,
  due_at timestamp with time zone,
  resume_at timestamp with time zone,
  claimed_until timestamp with time zone,
  claims integer default 0 not null,
  attempts integer default 0 not null,
  tries integer default 0 not null,
  delivered_at timestamp with time zone,
  reason text,
  constraint delivery_claimed CHECK (((state = 'sending'::text) = (claimed_until IS NOT NULL))),
  constraint delivery_delivered CHECK (
CASE state
    WHEN 'delivered'::text THEN (delivered_at IS NOT NULL)
    WHEN 'failed'::text THEN (delivered_at IS NULL)
    ELSE true
END),
  constraint delivery_due CHECK (((state = ANY (ARRAY['due'::text, 'waiting'::text])) = (due_at IS NOT NULL))),
  constraint delivery_resumes CHECK (((resume_at IS NULL) OR (manual AND (state = ANY (ARRAY['due'::text, 'sending'::text]))))),
  constraint webhook_delivery_attempts_check CHECK ((attempts >= 0)),
  constraint webhook_delivery_check CHECK (((tries >= 0) AND (tries <= attempts))),
  constraint webhook_delivery_claims_check CHECK ((claims >= 0)),
  constraint webhook_delivery_pkey PRIMARY KEY (event_id, webhook_id),
  constraint webhook_delivery_reason_check CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 40))),
  constraint webhook_delivery_state_check CHECK ((state = ANY (ARRAY['due'::text, 'sending'::text, 'waiting'::text, 'delivered'::text, 'failed'::text])))
) with (fillfactor=80);

CREATE INDEX delivery_due ON notifications.webhook_delivery USING btree (webhook_id, manual, due_at) WHERE (state = 'due'::text);

CREATE INDEX delivery_of_webhook ON notifications.webhook_delivery USING btree (webhook_id, event_id);

CREATE INDEX delivery_sending ON notifications.webhook_delivery USING btree (webhook_id, claimed_until) WHERE (state = 'sending'::text);

CREATE INDEX delivery_undelivered ON notifications.webhook_delivery USING btree (webhook_id, event_id) WHERE (state <> 'delivered'::text);

CREATE INDEX delivery_waiting ON notifications.webhook_delivery USING btree (due_at) WHERE (state = 'waiting'::text);

create table notifications.webhook_event (
  id uuid not null,
  user_id bigint not null,
  type text not null,
  at timestamp with time zone not null,
  body text not null,
  constraint webhook_event_body_check CHECK ((octet_length(body) < 20480)),
  constraint webhook_event_pkey PRIMARY KEY (id),
  constraint webhook_event_type_check CHECK (((char_length(type) >= 1) AND (char_length(type) <= 60)))
);

create table notifications.webhook_health (
  webhook_id bigint not null,
  failing_since timestamp with time zone,
  failures integer default 0 not null,
  last_failure_at timestamp with time zone,
  paused_until timestamp with time zone,
  constraint webhook_health_check CHECK (((failing_since IS NULL) = (failures = 0))),
  constraint webhook_health_failures_check CHECK ((failures >= 0)),
  constraint webhook_health_pkey PRIMARY KEY (webhook_id),
  constraint webhook_health_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES notifications.webhook(id) ON DELETE CASCADE
) with (fillfactor=70);

CREATE INDEX webhook_failing ON notifications.webhook_health USING btree (webhook_id) WHERE (failing_since IS NOT NULL);

create table orders.attempt (
  key uuid not null,
  order_id bigint not null,
  number smallint not null,
  provider_id bigint not null,
  provider_service_id text not null,
  state text default 'sent'::text not null,
  code text,
  message text,
  provider_order_id text,
  provider_balance bigint,
  started_at timestamp with time zone default now() not null,
  ended_at timestamp with time zone,
  expected_cost bigint,
  provider_balance_at timestamp with time zone,
  idempotency text,
  repeats smallint default 0 not null,
  constraint attempt_accepted CHECK (((state = 'accepted'::text) = (provider_order_id IS NOT NULL))),
  constraint attempt_code_check CHECK (((char_length(code) >= 1) AND (char_length(code) <= 60))),
  constraint attempt_ended CHECK (((state = 'sent'::text) = (ended_at IS NULL))),
  constraint attempt_expected_cost_check CHECK ((expected_cost >= 0)),
  constraint attempt_idempotency_check CHECK ((idempotency = ANY (ARRAY['none'::text, 'request_id'::text, 'natural_window'::text]))),
  constraint attempt_message_check CHECK ((char_length(message) <= 500)),
  constraint attempt_number UNIQUE (order_id, number),
  constraint attempt_number_check CHECK ((number > 0)),
  constraint attempt_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders.orders(id) ON DELETE RESTRICT,
  constraint attempt_pkey PRIMARY KEY (key),
  constraint attempt_provider_order_id_check CHECK (((char_length(provider_order_id) >= 1) AND (char_length(provider_order_id) <= 200))),
  constraint attempt_repeats_check CHECK ((repeats >= 0)),
  constraint attempt_state_check CHECK ((state = ANY (ARRAY['sent'::text, 'accepted'::text, 'rejected'::text, 'unknown'::text])))
) with (fillfactor=85);

CREATE INDEX attempt_of_source ON orders.attempt USING btree (provider_id, provider_service_id, started_at);

CREATE INDEX attempts_of_provider ON orders.attempt USING btree (provider_id, started_at);

create table orders.cancel_request (
  id bigint generated always as identity not null,
  order_id bigint not null,
  asked_by text not null,
  asked_at timestamp with time zone not null,
  state text not null,
  attempts smallint default 0 not null,
  next_try_at timestamp with time zone,
  claimed_until timestamp with time zone,
  provider_order_id text,
  code text,
  message text,
  ended_at timestamp with time zone,
  provider_id bigint,
  constraint cancel_request_asked_by_check CHECK (((char_length(asked_by) >= 1) AND (char_length(asked_by) <= 80))),
  constraint cancel_request_attempts_check CHECK ((attempts >= 0)),
  constraint cancel_request_claimed CHECK (((state = 'sent'::text) = (claimed_until IS NOT NULL))),
  constraint cancel_request_code_check CHECK (((char_length(code) >= 1) AND (char_length(code) <= 60))),
  constraint cancel_request_due CHECK (((state = 'asked'::text) = (next_try_at IS NOT NULL))),
  constraint cancel_request_ended CHECK (((state = ANY (ARRAY['asked'::text, 'sent'::text])) = (ended_at IS NULL))),
  constraint cancel_request_explained CHECK (((state <> ALL (ARRAY['refused'::text, 'unknown'::text])) OR (code IS NOT NULL))),
  constraint cancel_request_message_check CHECK (((char_length(message) >= 1) AND (char_length(message) <= 500))),
  constraint cancel_request_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders.orders(id) ON DELETE RESTRICT,
  constraint cancel_request_pkey PRIMARY KEY (id),
  constraint cancel_request_provider_order_id_check CHECK (((char_length(provider_order_id) >= 1) AND (char_length(provider_order_id) <= 200))),
  constraint cancel_request_sent CHECK (((state <> 'sent'::text) OR ((provider_order_id IS NOT NULL) AND (attempts > 0)))),
  constraint cancel_request_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'sent'::text, 'accepted'::text, 'refused'::text, 'unknown'::text, 'dropped'::text])))
) with (fillfactor=80);

CREATE INDEX cancel_request_asked ON orders.cancel_request USING btree (next_try_at) WHERE (state = 'asked'::text);

CREATE INDEX cancel_request_claims ON orders.cancel_request USING btree (claimed_until) WHERE (state = 'sent'::text);

CREATE INDEX cancel_request_of_order ON orders.cancel_request USING btree (order_id, id);

CREATE UNIQUE INDEX cancel_request_once ON orders.cancel_request USING btree (order_id) WHERE (state = ANY (ARRAY['asked'::text, 'sent'::text]));

create table orders.customer_limit (
  customer_id bigint not null,
  daily_spend_max bigint,
  in_flight_max integer,
  in_flight integer,
  spent bigint,
  day_began timestamp with time zone,
  day_ends timestamp with time zone,
  constraint customer_limit_counted CHECK ((num_nulls(in_flight, spent, day_began, day_ends) = ANY (ARRAY[0, 4]))),
  constraint customer_limit_daily_spend_max_check CHECK ((daily_spend_max >= 0)),
  constraint customer_limit_day CHECK ((day_ends > day_began)),
  constraint customer_limit_in_flight_check CHECK ((in_flight >= 0)),
  constraint customer_limit_in_flight_max_check CHECK ((in_flight_max >= 0)),
  constraint customer_limit_pkey PRIMARY KEY (customer_id),
  constraint customer_limit_spent_check CHECK ((spent >= 0))
) with (fillfactor=70);

create table orders.drip_feed (
  id bigint not null,
  customer_id bigint not null,
  runs smallint not null,
  interval_minutes integer not null,
  request_key text,
  placed_at timestamp with time zone default now() not null,
  cancelled_at timestamp with time zone,
  constraint drip_feed_interval_minutes_check CHECK (((interval_minutes >= 1) AND (interval_minutes <= 43200))),
  constraint drip_feed_pkey PRIMARY KEY (id),
  constraint drip_feed_request_key_check CHECK (((char_length(request_key) >= 1) AND (char_length(request_key) <= 128))),
  constraint drip_feed_runs_check CHECK (((runs >= 1) AND (runs <= 1000)))
);

CREATE INDEX drip_feeds_of_customer ON orders.drip_feed USING btree (customer_id, id);

CREATE UNIQUE INDEX drip_feed_request_once ON orders.drip_feed USING btree (customer_id, request_key) WHERE (request_key IS NOT NULL);

create table orders.finance_customer_day (
  day date not null,
  customer_id bigint not null,
  asset text not null,
  placed bigint not null,
  completed bigint not null,
  partial bigint not null,
  cancelled bigint not null,
  charged bigint not null,
  turnover bigint not null,
  returned bigint not null,
  cost bigint not null,
  deposit_count bigint not null,
  deposits bigint not null,
  adjustments bigint not null,
  other bigint not null,
  bonuses bigint not null,
  constraint finance_customer_day_pkey PRIMARY KEY (day, customer_id, asset)
) with (fillfactor=80);

create table orders.finance_day (
  day date not null,
  service_id bigint not null,
  provider_id bigint not null,
  asset text not null,
  placed bigint not null,
  completed bigint not null,
  partial bigint not null,
  cancelled bigint not null,
  charged bigint not null,
  turnover bigint not null,
  returned bigint not null,
  cost bigint not null,
  deposit_count bigint not null,
  deposits bigint not null,
  adjustments bigint not null,
  other bigint not null,
  bonuses bigint not null,
  constraint finance_day_pkey PRIMARY KEY (day, service_id, provider_id, asset)
) with (fillfactor=80);

create table orders.finance_progress (
  one boolean default true not null,
  seal bigint not null,
  last_line bigint not null,
  at timestamp with time zone,
  constraint finance_progress_last_line_check CHECK ((last_line >= 0)),
  constraint finance_progress_one_check CHECK (one),
  constraint finance_progress_pkey PRIMARY KEY (one),
  constraint finance_progress_seal_check CHECK ((seal >= 0))
);

create table orders.former_cost (
  order_id bigint not null,
  provider_id bigint not null,
  asset text not null,
  cost bigint not null,
  constraint former_cost_cost_check CHECK ((cost > 0)),
  constraint former_cost_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders.orders(id) ON DELETE RESTRICT,
  constraint former_cost_pkey PRIMARY KEY (order_id, provider_id)
);

create table orders.key_day (
  customer_id bigint not null,
  day date not null,
  key_id bigint not null,
  asset text not null,
  placed bigint not null,
  charged bigint not null,
  captured bigint not null,
  returned bigint not null,
  constraint key_day_pkey PRIMARY KEY (customer_id, day, key_id, asset)
) with (fillfactor=80);

create table orders.key_day_progress (
  one boolean default true not null,
  seal bigint not null,
  last_line bigint not null,
  at timestamp with time zone,
  constraint key_day_progress_last_line_check CHECK ((last_line >= 0)),
  constraint key_day_progress_one_check CHECK (one),
  constraint key_day_progress_pkey PRIMARY KEY (one),
  constraint key_day_progress_seal_check CHECK ((seal >= 0))
);

create table orders.key_quota (
  key_id bigint not null,
  customer_id bigint not null,
  own_orders_max integer,
  own_spend_max bigint,
  staff_orders_max integer,
  staff_spend_max bigint,
  orders integer,
  spent bigint,
  day_began timestamp with time zone,
  day_ends timestamp with time zone,
  constraint key_quota_counted CHECK ((num_nulls(orders, spent, day_began, day_ends) = ANY (ARRAY[0, 4]))),
  constraint key_quota_day CHECK ((day_ends > day_began)),
  constraint key_quota_orders_check CHECK ((orders >= 0)),
  constraint key_quota_own_orders_max_check CHECK ((own_orders_max >= 0)),
  constraint key_quota_own_spend_max_check CHECK ((own_spend_max >= 0)),
  constraint key_quota_pkey PRIMARY KEY (key_id),
  constraint key_quota_set CHECK ((num_nonnulls(own_orders_max, own_spend_max, staff_orders_max, staff_spend_max) > 0)),
  constraint key_quota_spent_check CHECK ((spent >= 0)),
  constraint key_quota_staff_orders_max_check CHECK ((staff_orders_max >= 0)),
  constraint key_quota_staff_spend_max_check CHECK ((staff_spend_max >= 0))
) with (fillfactor=70);

create table orders.order_event (
  order_id bigint not null,
  version bigint not null,
  at timestamp with time zone default now() not null,
  kind text not null,
  from_state text,
  to_state text not null,
  actor text default 'system'::text not null,
  data jsonb,
  constraint order_event_actor_check CHECK (((char_length(actor) >= 1) AND (char_length(actor) <= 80))),
  constraint order_event_kind_check CHECK (((char_length(kind) >= 1) AND (char_length(kind) <= 40))),
  constraint order_event_pkey PRIMARY KEY (order_id, version, at),
  constraint order_event_version_check CHECK ((version > 0))
) partition by RANGE (at);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON orders.order_event FOR EACH ROW EXECUTE FUNCTION orders.refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON orders.order_event FOR EACH STATEMENT EXECUTE FUNCTION orders.refuse_change();

create sequence orders.order_number;

create table orders.orders (
  id bigint not null,
  customer_id bigint not null,
  service_id bigint not null,
  provider_id bigint not null,
  wallet bigint not null,
  hold bigint not null,
  quantity bigint not null,
  rate bigint not null,
  charge bigint not null,
  expected_cost bigint not null,
  booked_cost bigint default 0 not null,
  sunk_cost bigint default 0 not null,
  captured bigint default 0 not null,
  released bigint default 0 not null,
  start_count bigint,
  remains bigint,
  version bigint default 1 not null,
  placed_at timestamp with time zone default now() not null,
  accepted_at timestamp with time zone,
  finished_at timestamp with time zone,
  checked_at timestamp with time zone,
  next_check_at timestamp with time zone,
  claimed_until timestamp with time zone,
  last_resubmit_at timestamp with time zone,
  attempt uuid,
  attempts smallint default 0 not null,
  resubmits smallint default 0 not null,
  failed_checks smallint default 0 not null,
  asset text not null,
  cost_asset text not null,
  type text not null,
  state text default 'queued'::text not null,
  reason text,
  detail text,
  link text not null,
  params jsonb default '{}'::jsonb not null,
  provider_service_id text not null,
  provider_order_id text,
  provider_status text,
  balance_check_status text,
  request_key text,
  waiting_since timestamp with time zone default now(),
  sole_link boolean default false not null,
  drip_feed_id bigint,
  run smallint,
  not_before timestamp with time zone,
  refunded bigint default 0 not null,
  accepted_cost bigint,
  subscription_id bigint,
  post smallint,
  key_id bigint,
  constraint order_at_provider CHECK (((state <> ALL (ARRAY['pending'::text, 'processing'::text, 'in_progress'::text])) OR (provider_order_id IS NOT NULL))),
  constraint order_checked CHECK (
CASE
    WHEN (state = ANY (ARRAY['pending'::text, 'processing'::text, 'in_progress'::text])) THEN (next_check_at IS NOT NULL)
    WHEN (state <> ALL (ARRAY['completed'::text, 'partial'::text, 'cancelled'::text])) THEN (next_check_at IS NULL)
    ELSE true
END),
  constraint order_claimed CHECK (((state = 'dispatching'::text) = (claimed_until IS NOT NULL))),
  constraint order_explained CHECK (((state <> ALL (ARRAY['unknown'::text, 'failed'::text])) OR (reason IS NOT NULL))),
  constraint order_final CHECK (
CASE
    WHEN ((type = 'Subscriptions'::text) AND (subscription_id IS NULL)) THEN ((state <> ALL (ARRAY['completed'::text, 'partial'::text, 'cancelled'::text])) OR ((captured + released) = charge))
    ELSE ((state = ANY (ARRAY['completed'::text, 'partial'::text, 'cancelled'::text])) = ((captured + released) = charge))
END),
  constraint order_finished CHECK (((state = ANY (ARRAY['completed'::text, 'partial'::text, 'cancelled'::text])) = (finished_at IS NOT NULL))),
  constraint order_post CHECK (((subscription_id IS NULL) = (post IS NULL))),
  constraint order_refunded_within CHECK (((refunded >= 0) AND (refunded <= captured))),
  constraint order_run CHECK (((drip_feed_id IS NULL) = (run IS NULL))),
  constraint order_scheduled CHECK (((state <> 'scheduled'::text) OR (not_before IS NOT NULL))),
  constraint order_settled_within CHECK (((captured + released) <= charge)),
  constraint order_sunk_within CHECK ((sunk_cost <= booked_cost)),
  constraint orders_accepted_cost_check CHECK ((accepted_cost >= 0)),
  constraint orders_attempts_check CHECK ((attempts >= 0)),
  constraint orders_balance_check_status_check CHECK ((balance_check_status = ANY (ARRAY['sufficient'::text, 'insufficient'::text, 'unavailable'::text]))),
  constraint orders_booked_cost_check CHECK ((booked_cost >= 0)),
  constraint orders_captured_check CHECK ((captured >= 0)),
  constraint orders_charge_check CHECK ((charge > 0)),
  constraint orders_detail_check CHECK ((char_length(detail) <= 500)),
  constraint orders_expected_cost_check CHECK ((expected_cost >= 0)),
  constraint orders_failed_checks_check CHECK ((failed_checks >= 0)),
  constraint orders_link_check CHECK (((char_length(link) >= 1) AND (char_length(link) <= 2048))),
  constraint orders_pkey PRIMARY KEY (id),
  constraint orders_provider_order_id_check CHECK (((char_length(provider_order_id) >= 1) AND (char_length(provider_order_id) <= 200))),
  constraint orders_provider_service_id_check CHECK (((char_length(provider_service_id) >= 1) AND (char_length(provider_service_id) <= 100))),
  constraint orders_provider_status_check CHECK ((char_length(provider_status) <= 100)),
  constraint orders_quantity_check CHECK ((quantity > 0)),
  constraint orders_rate_check CHECK ((rate >= 0)),
  constraint orders_reason_check CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 60))),
  constraint orders_released_check CHECK ((released >= 0)),
  constraint orders_request_key_check CHECK (((char_length(request_key) >= 1) AND (char_length(request_key) <= 128))),
  constraint orders_resubmits_check CHECK ((resubmits >= 0)),
  constraint orders_state_check CHECK ((state = ANY (ARRAY['scheduled'::text, 'queued'::text, 'dispatching'::text, 'unknown'::text, 'failed'::text, 'pending'::text, 'processing'::text, 'in_progress'::text, 'completed'::text, 'partial'::text, 'cancelled'::text]))),
  constraint orders_sunk_cost_check CHECK ((sunk_cost >= 0)),
  constraint orders_type_check CHECK ((type = ANY (ARRAY['Default'::text, 'Package'::text, 'SEO'::text, 'Custom Comments'::text, 'Custom Comments Package'::text, 'Mentions'::text, 'Mentions with Hashtags'::text, 'Mentions Custom List'::text, 'Mentions Hashtag'::text, 'Mentions User Followers'::text, 'Mentions Media Likers'::text, 'Comment Likes'::text, 'Comment Replies'::text, 'Poll'::text, 'Invites from Groups'::text, 'Subscriptions'::text, 'Web Traffic'::text]))),
  constraint orders_version_check CHECK ((version > 0))
) with (fillfactor=85);

CREATE INDEX orders_claimed ON orders.orders USING btree (claimed_until) WHERE (state = 'dispatching'::text);

CREATE INDEX orders_followed ON orders.orders USING btree (provider_id, next_check_at) WHERE (next_check_at IS NOT NULL);

CREATE INDEX orders_of_customer ON orders.orders USING btree (customer_id, id);

CREATE INDEX orders_of_customer_open ON orders.orders USING btree (customer_id, id) WHERE (state <> ALL (ARRAY['completed'::text, 'partial'::text, 'cancelled'::text]));

CREATE INDEX orders_of_customer_short ON orders.orders USING btree (customer_id, id) WHERE (state = ANY (ARRAY['partial'::text, 'cancelled'::text]));

CREATE INDEX orders_of_provider_placed ON orders.orders USING btree (provider_id, placed_at);

CREATE INDEX orders_of_service_placed ON orders.orders USING btree (service_id, placed_at);

CREATE INDEX orders_placed ON orders.orders USING btree (placed_at);

CREATE INDEX orders_queued ON orders.orders USING btree (provider_id, customer_id, id) WHERE (state = 'queued'::text);

CREATE INDEX orders_queued_of_source ON orders.orders USING btree (provider_id, provider_service_id, customer_id, id) WHERE (state = 'queued'::text);

CREATE INDEX orders_scheduled ON orders.orders USING btree (not_before) WHERE (state = 'scheduled'::text);

CREATE INDEX orders_sole_link ON orders.orders USING btree (service_id, md5(link)) WHERE (sole_link AND (state <> ALL (ARRAY['completed'::text, 'partial'::text, 'cancelled'::text])));

CREATE INDEX orders_waiting ON orders.orders USING btree (state, id) WHERE (state = ANY (ARRAY['unknown'::text, 'failed'::text]));

CREATE INDEX orders_waiting_since ON orders.orders USING btree (waiting_since) WHERE (state = ANY (ARRAY['queued'::text, 'unknown'::text, 'failed'::text]));

CREATE INDEX orders_with_reason ON orders.orders USING btree (reason, id) WHERE (reason IS NOT NULL);

CREATE UNIQUE INDEX order_at_provider_once ON orders.orders USING btree (provider_id, provider_order_id) WHERE (provider_order_id IS NOT NULL);

CREATE UNIQUE INDEX order_post_once ON orders.orders USING btree (subscription_id, post) WHERE (subscription_id IS NOT NULL);

CREATE UNIQUE INDEX order_request_once ON orders.orders USING btree (customer_id, request_key) WHERE (request_key IS NOT NULL);

CREATE UNIQUE INDEX order_run_once ON orders.orders USING btree (drip_feed_id, run) WHERE (drip_feed_id IS NOT NULL);

create table orders.provider_hour (
  hour timestamp with time zone not null,
  provider_id bigint not null,
  asset text not null,
  cost bigint not null,
  constraint provider_hour_pkey PRIMARY KEY (provider_id, hour, asset)
) with (fillfactor=80);

create table orders.refill (
  id bigint generated always as identity not null,
  order_id bigint not null,
  customer_id bigint not null,
  number smallint not null,
  provider_id bigint not null,
  provider_order_id text,
  manual boolean not null,
  state text not null,
  provider_refill_id text,
  provider_status text,
  asked_by text not null,
  asked_at timestamp with time zone not null,
  attempts smallint default 0 not null,
  next_try_at timestamp with time zone,
  claimed_until timestamp with time zone,
  failed_checks smallint default 0 not null,
  code text,
  message text,
  decided_by text,
  decision_reason text,
  ended_at timestamp with time zone,
  version bigint default 1 not null,
  waiting_since timestamp with time zone,
  constraint refill_asked_by_check CHECK (((char_length(asked_by) >= 1) AND (char_length(asked_by) <= 80))),
  constraint refill_at_provider CHECK ((manual OR (state <> ALL (ARRAY['pending'::text, 'in_progress'::text])) OR (provider_refill_id IS NOT NULL))),
  constraint refill_attempts_check CHECK ((attempts >= 0)),
  constraint refill_claimed CHECK (((state = 'sent'::text) = (claimed_until IS NOT NULL))),
  constraint refill_code_check CHECK (((char_length(code) >= 1) AND (char_length(code) <= 60))),
  constraint refill_decided CHECK (((decided_by IS NULL) = (decision_reason IS NULL))),
  constraint refill_decided_by_check CHECK (((char_length(decided_by) >= 1) AND (char_length(decided_by) <= 80))),
  constraint refill_decision_reason_check CHECK (((char_length(decision_reason) >= 1) AND (char_length(decision_reason) <= 500))),
  constraint refill_due CHECK (((next_try_at IS NOT NULL) = ((NOT manual) AND (state = ANY (ARRAY['asked'::text, 'pending'::text, 'in_progress'::text]))))),
  constraint refill_ended CHECK (((state = ANY (ARRAY['completed'::text, 'rejected'::text, 'error'::text])) = (ended_at IS NOT NULL))),
  constraint refill_explained CHECK (((state <> 'unknown'::text) OR (code IS NOT NULL))),
  constraint refill_failed_checks_check CHECK ((failed_checks >= 0)),
  constraint refill_manual CHECK (((NOT manual) OR (state <> ALL (ARRAY['sent'::text, 'unknown'::text])))),
  constraint refill_message_check CHECK (((char_length(message) >= 1) AND (char_length(message) <= 500))),
  constraint refill_number UNIQUE (order_id, number),
  constraint refill_number_check CHECK (((number >= 1) AND (number <= 3))),
  constraint refill_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders.orders(id) ON DELETE RESTRICT,
  constraint refill_pkey PRIMARY KEY (id),
  constraint refill_provider_order_id_check CHECK (((char_length(provider_order_id) >= 1) AND (char_length(provider_order_id) <= 200))),
  constraint refill_provider_refill_id_check CHECK (((char_length(provider_refill_id) >= 1) AND (char_length(provider_refill_id) <= 200))),
  constraint refill_provider_status_check CHECK ((char_length(provider_status) <= 100)),
  constraint refill_sent CHECK ((manual OR (provider_order_id IS NOT NULL))),
  constraint refill_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'sent'::text, 'unknown'::text, 'pending'::text, 'in_progress'::text, 'completed'::text, 'rejected'::text, 'error'::text]))),
  constraint refill_version_check CHECK ((version > 0))
) with (fillfactor=80);

CREATE INDEX refill_claims ON orders.refill USING btree (claimed_until) WHERE (state = 'sent'::text);

CREATE INDEX refill_due ON orders.refill USING btree (provider_id, next_try_at) WHERE (next_try_at IS NOT NULL);

CREATE INDEX refill_of_customer ON orders.refill USING btree (customer_id, id DESC);

CREATE INDEX refill_open ON orders.refill USING btree (id DESC) WHERE (state = ANY (ARRAY['asked'::text, 'sent'::text, 'unknown'::text, 'pending'::text, 'in_progress'::text]));

CREATE UNIQUE INDEX refill_once ON orders.refill USING btree (order_id) WHERE (state = ANY (ARRAY['asked'::text, 'sent'::text, 'unknown'::text, 'pending'::text, 'in_progress'::text]));

CREATE UNIQUE INDEX refill_provider_once ON orders.refill USING btree (provider_id, provider_refill_id);

create table orders.refill_rule (
  service_id bigint not null,
  days integer,
  wait_hours integer,
  manual boolean not null,
  constraint refill_rule_days_check CHECK (((days >= '-1'::integer) AND (days <= 3650))),
  constraint refill_rule_pkey PRIMARY KEY (service_id),
  constraint refill_rule_wait_hours_check CHECK (((wait_hours >= 0) AND (wait_hours <= 720)))
);

create table orders.refund (
  id bigint generated always as identity not null,
  order_id bigint not null,
  customer_id bigint not null,
  asset text not null,
  amount bigint not null,
  reason text not null,
  state text not null,
  asked_by bigint not null,
  asked_at timestamp with time zone not null,
  expires_at timestamp with time zone,
  decided_by bigint,
  decided_at timestamp with time zone,
  decision_reason text,
  order_version bigint,
  constraint refund_amount_check CHECK ((amount > 0)),
  constraint refund_asked_by_fkey FOREIGN KEY (asked_by) REFERENCES identity."user"(id) ON DELETE RESTRICT,
  constraint refund_check CHECK ((expires_at > asked_at)),
  constraint refund_decided CHECK (((decided_by IS NULL) = (decided_at IS NULL))),
  constraint refund_decided_by_fkey FOREIGN KEY (decided_by) REFERENCES identity."user"(id) ON DELETE RESTRICT,
  constraint refund_decision_reason_check CHECK (((char_length(decision_reason) >= 1) AND (char_length(decision_reason) <= 500))),
  constraint refund_once UNIQUE (order_id, order_version),
  constraint refund_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders.orders(id) ON DELETE RESTRICT,
  constraint refund_own CHECK (((asked_by <> customer_id) AND (decided_by IS DISTINCT FROM customer_id))),
  constraint refund_pkey PRIMARY KEY (id),
  constraint refund_posted CHECK (((state = 'posted'::text) = (order_version IS NOT NULL))),
  constraint refund_reason_check CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 500))),
  constraint refund_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'posted'::text, 'refused'::text, 'expired'::text]))),
  constraint refund_two_persons CHECK (((decided_by <> asked_by) AND ((state <> 'posted'::text) OR (expires_at IS NULL) OR (decided_by IS NOT NULL)))),
  constraint refund_waits CHECK (((state <> ALL (ARRAY['asked'::text, 'expired'::text])) OR (expires_at IS NOT NULL)))
);

CREATE INDEX refund_alone ON orders.refund USING btree (asked_by, asked_at) WHERE ((state = 'posted'::text) AND (decided_by IS NULL));

CREATE INDEX refund_by_state ON orders.refund USING btree (state, id DESC);

CREATE INDEX refund_of_order ON orders.refund USING btree (order_id, id);

CREATE INDEX refund_open ON orders.refund USING btree (expires_at) WHERE (state = 'asked'::text);

create table orders.subscription (
  id bigint not null,
  customer_id bigint not null,
  min_quantity bigint not null,
  max_quantity bigint not null,
  delay_minutes smallint not null,
  posts smallint,
  old_posts smallint not null,
  expires_on date,
  posts_max smallint not null,
  posts_billed smallint default 0 not null,
  last_post_at timestamp with time zone,
  standing text,
  stop_reason text,
  stopped_at timestamp with time zone,
  placed_at timestamp with time zone default now() not null,
  constraint subscription_bounded CHECK ((posts_billed <= posts_max)),
  constraint subscription_delay_minutes_check CHECK (((delay_minutes >= 0) AND (delay_minutes <= 600))),
  constraint subscription_id_fkey FOREIGN KEY (id) REFERENCES orders.orders(id) ON DELETE RESTRICT,
  constraint subscription_min_quantity_check CHECK ((min_quantity > 0)),
  constraint subscription_old_posts_check CHECK ((old_posts >= 0)),
  constraint subscription_pkey PRIMARY KEY (id),
  constraint subscription_posts_billed_check CHECK ((posts_billed >= 0)),
  constraint subscription_posts_check CHECK ((posts > 0)),
  constraint subscription_posts_max_check CHECK (((posts_max >= 1) AND (posts_max <= 1000))),
  constraint subscription_range CHECK ((min_quantity <= max_quantity)),
  constraint subscription_standing_check CHECK ((standing = ANY (ARRAY['active'::text, 'paused'::text, 'completed'::text, 'expired'::text, 'cancelled'::text]))),
  constraint subscription_stop_reason_check CHECK ((stop_reason = ANY (ARRAY['no_funds'::text, 'posts_reached'::text, 'expired'::text, 'no_posts'::text, 'too_many'::text]))),
  constraint subscription_stopped CHECK (((stop_reason IS NULL) = (stopped_at IS NULL)))
) with (fillfactor=80);

CREATE INDEX subscriptions_of_customer ON orders.subscription USING btree (customer_id, id);

create table orders.unbilled_post (
  subscription_id bigint not null,
  provider_id bigint not null,
  provider_order_id text not null,
  why text not null,
  cost bigint not null,
  asset text not null,
  seen_at timestamp with time zone not null,
  constraint unbilled_post_cost_check CHECK ((cost >= 0)),
  constraint unbilled_post_pkey PRIMARY KEY (subscription_id, provider_id, provider_order_id),
  constraint unbilled_post_provider_order_id_check CHECK (((char_length(provider_order_id) >= 1) AND (char_length(provider_order_id) <= 200))),
  constraint unbilled_post_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES orders.subscription(id) ON DELETE RESTRICT,
  constraint unbilled_post_why_check CHECK ((why = ANY (ARRAY['no_funds'::text, 'too_many'::text, 'another_order'::text])))
);

CREATE INDEX unbilled_post_seen ON orders.unbilled_post USING btree (seen_at);

CREATE UNIQUE INDEX unbilled_post_once ON orders.unbilled_post USING btree (provider_id, provider_order_id) WHERE (why <> 'another_order'::text);

create table orders.unknown_case (
  attempt uuid not null,
  order_id bigint not null,
  opened_at timestamp with time zone default now() not null,
  balance_after bigint,
  balance_after_at timestamp with time zone,
  tries smallint default 0 not null,
  tried_at timestamp with time zone,
  next_try_at timestamp with time zone default now(),
  finding text,
  evidence jsonb,
  constraint unknown_case_attempt_fkey FOREIGN KEY (attempt) REFERENCES orders.attempt(key) ON DELETE RESTRICT,
  constraint unknown_case_balance CHECK (((balance_after IS NULL) = (balance_after_at IS NULL))),
  constraint unknown_case_finding_check CHECK (((char_length(finding) >= 1) AND (char_length(finding) <= 40))),
  constraint unknown_case_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders.orders(id) ON DELETE RESTRICT,
  constraint unknown_case_pkey PRIMARY KEY (attempt),
  constraint unknown_case_tried CHECK (((tries = 0) = (tried_at IS NULL))),
  constraint unknown_case_tries_check CHECK ((tries >= 0))
);

CREATE INDEX unknown_cases_due ON orders.unknown_case USING btree (next_try_at) WHERE (next_try_at IS NOT NULL);

CREATE INDEX unknown_cases_of_order ON orders.unknown_case USING btree (order_id);

create table orders.wait_limit (
  service_id bigint not null,
  hours integer not null,
  constraint wait_limit_hours_check CHECK (((hours >= 1) AND (hours <= 720))),
  constraint wait_limit_pkey PRIMARY KEY (service_id)
);

create table payments.adjustment (
  id bigint generated always as identity not null,
  user_id bigint not null,
  asset text not null,
  amount bigint not null,
  reason text not null,
  state text not null,
  asked_by bigint,
  asked_at timestamp with time zone not null,
  expires_at timestamp with time zone,
  decided_by bigint,
  decided_at timestamp with time zone,
  decision_reason text,
  movement bigint,
  constraint adjustment_amount_check CHECK ((amount <> 0)),
  constraint adjustment_asked_by_fkey FOREIGN KEY (asked_by) REFERENCES identity."user"(id) ON DELETE RESTRICT,
  constraint adjustment_asset_fkey FOREIGN KEY (asset) REFERENCES ledger.asset(code),
  constraint adjustment_check CHECK ((expires_at > asked_at)),
  constraint adjustment_check1 CHECK (((state = 'posted'::text) = (movement IS NOT NULL))),
  constraint adjustment_check2 CHECK ((((state = ANY (ARRAY['posted'::text, 'refused'::text])) = (decided_at IS NOT NULL)) OR (state = 'posted'::text))),
  constraint adjustment_check3 CHECK (((state <> 'asked'::text) OR (expires_at IS NOT NULL))),
  constraint adjustment_check4 CHECK (((decided_by IS NULL) OR (decided_by <> asked_by))),
  constraint adjustment_check5 CHECK (((decided_by IS DISTINCT FROM user_id) AND (asked_by IS DISTINCT FROM user_id))),
  constraint adjustment_decided_by_fkey FOREIGN KEY (decided_by) REFERENCES identity."user"(id) ON DELETE RESTRICT,
  constraint adjustment_decision_reason_check CHECK (((char_length(decision_reason) >= 1) AND (char_length(decision_reason) <= 500))),
  constraint adjustment_pkey PRIMARY KEY (id),
  constraint adjustment_reason_check CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 500))),
  constraint adjustment_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'posted'::text, 'refused'::text, 'expired'::text]))),
  constraint adjustment_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity."user"(id) ON DELETE RESTRICT
);

CREATE INDEX adjustment_alone ON payments.adjustment USING btree (asked_by, asked_at) WHERE ((state = 'posted'::text) AND (decided_by IS NULL));

CREATE INDEX adjustment_by_state ON payments.adjustment USING btree (state, id DESC);

CREATE INDEX adjustment_of_user ON payments.adjustment USING btree (user_id, id DESC);

CREATE INDEX adjustment_open ON payments.adjustment USING btree (expires_at) WHERE (state = 'asked'::text);

create table payments.bonus_rule (
  id bigint generated always as identity not null,
  name text not null,
  asset text not null,
  deposit_min bigint not null,
  percent_bp bigint not null,
  amount_max bigint,
  starts_at timestamp with time zone not null,
  ends_at timestamp with time zone,
  created_at timestamp with time zone not null,
  created_by bigint,
  constraint bonus_rule_amount_max_check CHECK ((amount_max > 0)),
  constraint bonus_rule_asset_fkey FOREIGN KEY (asset) REFERENCES ledger.asset(code),
  constraint bonus_rule_created_by_fkey FOREIGN KEY (created_by) REFERENCES identity."user"(id) ON DELETE RESTRICT,
  constraint bonus_rule_deposit_min_check CHECK ((deposit_min > 0)),
  constraint bonus_rule_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 80))),
  constraint bonus_rule_name_once UNIQUE (name),
  constraint bonus_rule_percent_bp_check CHECK (((percent_bp >= 1) AND (percent_bp <= 10000))),
  constraint bonus_rule_pkey PRIMARY KEY (id),
  constraint bonus_rule_span CHECK ((ends_at >= starts_at))
);

CREATE TRIGGER bonus_rule_stays BEFORE UPDATE ON payments.bonus_rule FOR EACH ROW WHEN (((((((((((new.id IS DISTINCT FROM old.id) OR (new.name IS DISTINCT FROM old.name)) OR (new.asset IS DISTINCT FROM old.asset)) OR (new.deposit_min IS DISTINCT FROM old.deposit_min)) OR (new.percent_bp IS DISTINCT FROM old.percent_bp)) OR (new.amount_max IS DISTINCT FROM old.amount_max)) OR (new.starts_at IS DISTINCT FROM old.starts_at)) OR (new.created_at IS DISTINCT FROM old.created_at)) OR (new.created_by IS DISTINCT FROM old.created_by)) OR (new.ends_at IS NULL) OR (new.ends_at > old.ends_at))) EXECUTE FUNCTION payments.keep_bonus_rule();

CREATE TRIGGER bonus_rule_stays_there BEFORE DELETE ON payments.bonus_rule FOR EACH ROW EXECUTE FUNCTION payments.keep_bonus_rule();

create table payments.deposit (
  id bigint generated always as identity not null,
  user_id bigint not null,
  asset text not null,
  amount bigint not null,
  method text not null,
  reference text not null,
  reference_key text not null,
  note text,
  state text not null,
  asked_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  approved_amount bigint,
  first_approved_by bigint,
  first_approved_at timestamp with time zone,
  decided_by bigint,
  settled_at timestamp with time zone,
  decision_reason text,
  movement bigint,
  constraint deposit_amount_check CHECK ((amount > 0)),
  constraint deposit_approved_amount_check CHECK ((approved_amount > 0)),
  constraint deposit_asset_fkey FOREIGN KEY (asset) REFERENCES ledger.asset(code),
  constraint deposit_check CHECK ((expires_at > asked_at)),
  constraint deposit_check1 CHECK (((state = 'approved'::text) = (movement IS NOT NULL))),
  constraint deposit_check10 CHECK (((state <> 'approved'::text) OR (first_approved_by IS NULL) OR (decided_by IS DISTINCT FROM first_approved_by))),
  constraint deposit_check11 CHECK (((decided_by IS DISTINCT FROM user_id) AND (first_approved_by IS DISTINCT FROM user_id))),
  constraint deposit_check2 CHECK (((state <> ALL (ARRAY['approved_once'::text, 'approved'::text])) OR (approved_amount IS NOT NULL))),
  constraint deposit_check3 CHECK (((state = ANY (ARRAY['pending'::text, 'approved_once'::text])) = (settled_at IS NULL))),
  constraint deposit_check4 CHECK (((first_approved_by IS NULL) = (first_approved_at IS NULL))),
  constraint deposit_check5 CHECK (((state <> 'pending'::text) OR ((approved_amount IS NULL) AND (first_approved_by IS NULL)))),
  constraint deposit_check6 CHECK (((state <> 'approved_once'::text) OR (first_approved_by IS NOT NULL))),
  constraint deposit_check7 CHECK (((decided_by IS NULL) OR (state = ANY (ARRAY['approved'::text, 'refused'::text])))),
  constraint deposit_check8 CHECK (((state <> ALL (ARRAY['approved_once'::text, 'approved'::text])) OR (approved_amount = amount) OR (decision_reason IS NOT NULL))),
  constraint deposit_check9 CHECK (((state <> 'refused'::text) OR (decision_reason IS NOT NULL))),
  constraint deposit_decided_by_fkey FOREIGN KEY (decided_by) REFERENCES identity."user"(id) ON DELETE RESTRICT,
  constraint deposit_decision_reason_check CHECK (((char_length(decision_reason) >= 1) AND (char_length(decision_reason) <= 500))),
  constraint deposit_first_approved_by_fkey FOREIGN KEY (first_approved_by) REFERENCES identity."user"(id) ON DELETE RESTRICT,
  constraint deposit_method_check CHECK ((method ~ '^[a-z0-9_]{1,32}$'::text)),
  constraint deposit_movement_key UNIQUE (movement),
  constraint deposit_note_check CHECK (((char_length(note) >= 1) AND (char_length(note) <= 500))),
  constraint deposit_pkey PRIMARY KEY (id),
  constraint deposit_reference_check CHECK (((char_length(reference) >= 1) AND (char_length(reference) <= 200))),
  constraint deposit_reference_key_check CHECK (((char_length(reference_key) >= 1) AND (char_length(reference_key) <= 200))),
  constraint deposit_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'approved_once'::text, 'approved'::text, 'refused'::text, 'cancelled'::text, 'expired'::text]))),
  constraint deposit_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity."user"(id) ON DELETE RESTRICT
);

CREATE INDEX deposit_alone ON payments.deposit USING btree (decided_by, settled_at) WHERE ((state = 'approved'::text) AND (first_approved_by IS NULL));

CREATE INDEX deposit_by_reference ON payments.deposit USING btree (reference_key, id DESC);

CREATE INDEX deposit_by_state ON payments.deposit USING btree (state, id DESC);

CREATE INDEX deposit_of_user ON payments.deposit USING btree (user_id, id DESC);

CREATE INDEX deposit_open ON payments.deposit USING btree (expires_at) WHERE (state = ANY (ARRAY['pending'::text, 'approved_once'::text]));

CREATE UNIQUE INDEX deposit_once ON payments.deposit USING btree (user_id, reference_key) WHERE (state = ANY (ARRAY['pending'::text, 'approved_once'::text, 'approved'::text]));

CREATE TRIGGER deposit_stays BEFORE UPDATE ON payments.deposit FOR EACH ROW WHEN (((old.state <> ALL (ARRAY['pending'::text, 'approved_once'::text])) OR ((old.state = 'approved_once'::text) AND (new.state = 'pending'::text)) OR (((((((((new.id IS DISTINCT FROM old.id) OR (new.user_id IS DISTINCT FROM old.user_id)) OR (new.asset IS DISTINCT FROM old.asset)) OR (new.amount IS DISTINCT FROM old.amount)) OR (new.method IS DISTINCT FROM old.method)) OR (new.reference IS DISTINCT FROM old.reference)) OR (new.reference_key IS DISTINCT FROM old.reference_key)) OR (new.note IS DISTINCT FROM old.note)) OR (new.asked_at IS DISTINCT FROM old.asked_at)))) EXECUTE FUNCTION payments.keep_deposit();

CREATE TRIGGER deposit_stays_there BEFORE DELETE ON payments.deposit FOR EACH ROW EXECUTE FUNCTION payments.keep_deposit();

create table payments.deposit_bonus (
  deposit_id bigint not null,
  rule_id bigint,
  amount bigint not null,
  movement bigint not null,
  redemption_id bigint,
  constraint deposit_bonus_amount_check CHECK ((amount > 0)),
  constraint deposit_bonus_deposit_id_fkey FOREIGN KEY (deposit_id) REFERENCES payments.deposit(id) ON DELETE RESTRICT,
  constraint deposit_bonus_movement_key UNIQUE (movement),
  constraint deposit_bonus_pkey PRIMARY KEY (deposit_id),
  constraint deposit_bonus_promised CHECK ((num_nonnulls(rule_id, redemption_id) = 1)) NOT VALID,
  constraint deposit_bonus_redemption_id_fkey FOREIGN KEY (redemption_id) REFERENCES payments.promo_redemption(id) ON DELETE RESTRICT,
  constraint deposit_bonus_redemption_once UNIQUE (redemption_id),
  constraint deposit_bonus_rule_id_fkey FOREIGN KEY (rule_id) REFERENCES payments.bonus_rule(id) ON DELETE RESTRICT
);

CREATE INDEX deposit_bonus_of_rule ON payments.deposit_bonus USING btree (rule_id);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON payments.deposit_bonus FOR EACH ROW EXECUTE FUNCTION payments.keep_deposit_bonus();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON payments.deposit_bonus FOR EACH STATEMENT EXECUTE FUNCTION payments.keep_deposit_bonus();

create table payments.promo_code (
  id bigint generated always as identity not null,
  code text not null,
  kind text not null,
  asset text not null,
  amount bigint,
  discount_id bigint,
  deposit_min bigint,
  percent_bp bigint,
  amount_max bigint,
  days integer,
  holds_until timestamp with time zone,
  redemptions_max integer,
  redemptions integer default 0 not null,
  registered_from timestamp with time zone,
  registered_until timestamp with time zone,
  starts_at timestamp with time zone not null,
  ends_at timestamp with time zone,
  ended_at timestamp with time zone,
  created_at timestamp with time zone not null,
  created_by bigint,
  constraint promo_code_amount_check CHECK ((amount > 0)),
  constraint promo_code_amount_max_check CHECK ((amount_max > 0)),
  constraint promo_code_asset_fkey FOREIGN KEY (asset) REFERENCES ledger.asset(code),
  constraint promo_code_code_check CHECK ((code ~ '^[A-Z0-9][A-Z0-9-]{2,30}[A-Z0-9]$'::text)),
  constraint promo_code_created_by_fkey FOREIGN KEY (created_by) REFERENCES identity."user"(id) ON DELETE RESTRICT,
  constraint promo_code_days_check CHECK (((days >= 1) AND (days <= 366))),
  constraint promo_code_deposit_min_check CHECK ((deposit_min > 0)),
  constraint promo_code_discount_id_fkey FOREIGN KEY (discount_id) REFERENCES catalog.discount(id) ON DELETE RESTRICT,
  constraint promo_code_discount_id_key UNIQUE (discount_id),
  constraint promo_code_kind_check CHECK ((kind = ANY (ARRAY['credit'::text, 'discount'::text, 'deposit'::text]))),
  constraint promo_code_not_used_up CHECK ((redemptions <= redemptions_max)),
  constraint promo_code_once UNIQUE (code),
  constraint promo_code_percent_bp_check CHECK (((percent_bp >= 1) AND (percent_bp <= 10000))),
  constraint promo_code_pkey PRIMARY KEY (id),
  constraint promo_code_redemptions_check CHECK ((redemptions >= 0)),
  constraint promo_code_redemptions_max_check CHECK ((redemptions_max > 0)),
  constraint promo_code_registered CHECK ((registered_until > registered_from)),
  constraint promo_code_span CHECK ((ends_at > starts_at)),
  constraint promo_code_whole CHECK (
CASE kind
    WHEN 'credit'::text THEN ((num_nonnulls(amount, redemptions_max) = 2) AND (num_nonnulls(discount_id, deposit_min, percent_bp, amount_max, days, holds_until) = 0))
    WHEN 'discount'::text THEN ((num_nonnulls(discount_id, days) = 2) AND (num_nonnulls(amount, deposit_min, percent_bp, amount_max) = 0))
    ELSE ((num_nonnulls(deposit_min, percent_bp, days) = 3) AND (num_nonnulls(amount, discount_id) = 0))
END)
);

CREATE TRIGGER promo_code_stays BEFORE UPDATE ON payments.promo_code FOR EACH ROW WHEN ((((((((((((((((((((new.id IS DISTINCT FROM old.id) OR (new.code IS DISTINCT FROM old.code)) OR (new.kind IS DISTINCT FROM old.kind)) OR (new.asset IS DISTINCT FROM old.asset)) OR (new.amount IS DISTINCT FROM old.amount)) OR (new.discount_id IS DISTINCT FROM old.discount_id)) OR (new.deposit_min IS DISTINCT FROM old.deposit_min)) OR (new.percent_bp IS DISTINCT FROM old.percent_bp)) OR (new.amount_max IS DISTINCT FROM old.amount_max)) OR (new.days IS DISTINCT FROM old.days)) OR (new.holds_until IS DISTINCT FROM old.holds_until)) OR (new.redemptions_max IS DISTINCT FROM old.redemptions_max)) OR (new.registered_from IS DISTINCT FROM old.registered_from)) OR (new.registered_until IS DISTINCT FROM old.registered_until)) OR (new.starts_at IS DISTINCT FROM old.starts_at)) OR (new.ends_at IS DISTINCT FROM old.ends_at)) OR (new.created_at IS DISTINCT FROM old.created_at)) OR (new.created_by IS DISTINCT FROM old.created_by)) OR ((new.redemptions <> old.redemptions) AND (new.redemptions <> (old.redemptions + 1))) OR ((old.ended_at IS NOT NULL) AND ((new.ended_at IS DISTINCT FROM old.ended_at) OR (new.redemptions <> old.redemptions))))) EXECUTE FUNCTION payments.keep_promo_code();

CREATE TRIGGER promo_code_stays_there BEFORE DELETE ON payments.promo_code FOR EACH ROW EXECUTE FUNCTION payments.keep_promo_code();

create table payments.promo_redemption (
  id bigint not null,
  code_id bigint not null,
  customer_id bigint not null,
  redeemed_at timestamp with time zone not null,
  ends_at timestamp with time zone,
  amount bigint,
  movement bigint,
  constraint promo_redemption_amount_check CHECK ((amount > 0)),
  constraint promo_redemption_code_id_fkey FOREIGN KEY (code_id) REFERENCES payments.promo_code(id) ON DELETE RESTRICT,
  constraint promo_redemption_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES identity."user"(id) ON DELETE RESTRICT,
  constraint promo_redemption_movement_key UNIQUE (movement),
  constraint promo_redemption_once UNIQUE (customer_id, code_id),
  constraint promo_redemption_pkey PRIMARY KEY (id),
  constraint promo_redemption_span CHECK ((ends_at > redeemed_at)),
  constraint promo_redemption_whole CHECK ((((amount IS NULL) = (movement IS NULL)) AND ((amount IS NULL) <> (ends_at IS NULL))))
);

CREATE INDEX promo_redemptions ON payments.promo_redemption USING btree (code_id, id);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON payments.promo_redemption FOR EACH ROW EXECUTE FUNCTION payments.keep_promo_redemption();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON payments.promo_redemption FOR EACH STATEMENT EXECUTE FUNCTION payments.keep_promo_redemption();

create sequence payments.promo_redemption_number;

create table platform.chore (
  name text not null,
  tick timestamp with time zone not null,
  busy_until timestamp with time zone,
  constraint chore_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 128))),
  constraint chore_pkey PRIMARY KEY (name)
);

create table platform.dead_letter (
  id bigint generated always as identity not null,
  kind text not null,
  source_id bigint not null,
  name text not null,
  subject text default ''::text not null,
  payload json,
  error text not null,
  attempts integer not null,
  attempts_max integer not null,
  correlation json not null,
  first_at timestamp with time zone not null,
  last_at timestamp with time zone not null,
  state text default 'waiting'::text not null,
  settled_at timestamp with time zone,
  settled_by text,
  settled_reason text,
  constraint dead_letter_attempts_check CHECK ((attempts >= 0)),
  constraint dead_letter_attempts_max_check CHECK ((attempts_max >= 1)),
  constraint dead_letter_check CHECK (((state = 'waiting'::text) = (settled_at IS NULL))),
  constraint dead_letter_error_check CHECK ((char_length(error) <= 2000)),
  constraint dead_letter_kind_check CHECK ((kind = ANY (ARRAY['job'::text, 'event'::text]))),
  constraint dead_letter_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 128))),
  constraint dead_letter_pkey PRIMARY KEY (id),
  constraint dead_letter_settled_by_check CHECK (((char_length(settled_by) >= 1) AND (char_length(settled_by) <= 100))),
  constraint dead_letter_settled_reason_check CHECK (((char_length(settled_reason) >= 1) AND (char_length(settled_reason) <= 500))),
  constraint dead_letter_source UNIQUE (kind, source_id),
  constraint dead_letter_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'replayed'::text, 'dropped'::text]))),
  constraint dead_letter_subject_check CHECK ((char_length(subject) <= 200))
);

CREATE INDEX dead_letter_of_name ON platform.dead_letter USING btree (name, id) WHERE (state = 'waiting'::text);

CREATE INDEX dead_letter_settled ON platform.dead_letter USING btree (settled_at) WHERE (state <> 'waiting'::text);

CREATE INDEX dead_letter_waiting ON platform.dead_letter USING btree (id) WHERE (state = 'waiting'::text);

create table platform.failure (
  id bigint generated always as identity not null,
  fingerprint text not null,
  kind text not null,
  name text not null,
  error text not null,
  place text not null,
  message text not null,
  stack text not null,
  occurrences bigint not null,
  first_at timestamp with time zone not null,
  last_at timestamp with time zone not null,
  correlation json not null,
  request_id text,
  process text not null,
  release text not null,
  resolved_at timestamp with time zone,
  resolved_by text,
  reopened integer default 0 not null,
  constraint failure_check CHECK ((last_at >= first_at)),
  constraint failure_correlation_check CHECK ((octet_length((correlation)::text) <= 4000)),
  constraint failure_error_check CHECK (((char_length(error) >= 1) AND (char_length(error) <= 200))),
  constraint failure_fingerprint_check CHECK ((fingerprint ~ '^[0-9a-f]{32}$'::text)),
  constraint failure_kind_check CHECK (((char_length(kind) >= 1) AND (char_length(kind) <= 20))),
  constraint failure_message_check CHECK ((char_length(message) <= 1000)),
  constraint failure_name_check CHECK ((char_length(name) <= 200)),
  constraint failure_occurrences_check CHECK ((occurrences > 0)),
  constraint failure_once UNIQUE (fingerprint),
  constraint failure_pkey PRIMARY KEY (id),
  constraint failure_place_check CHECK (((char_length(place) >= 1) AND (char_length(place) <= 300))),
  constraint failure_process_check CHECK ((char_length(process) <= 100)),
  constraint failure_release_check CHECK ((char_length(release) <= 100)),
  constraint failure_reopened_check CHECK ((reopened >= 0)),
  constraint failure_request_id_check CHECK ((char_length(request_id) <= 100)),
  constraint failure_resolved CHECK (((resolved_at IS NULL) = (resolved_by IS NULL))),
  constraint failure_resolved_by_check CHECK (((char_length(resolved_by) >= 1) AND (char_length(resolved_by) <= 100))),
  constraint failure_stack_check CHECK ((char_length(stack) <= 8000))
);

CREATE INDEX failure_last ON platform.failure USING btree (last_at, id);

CREATE INDEX failure_of_request ON platform.failure USING btree (request_id) WHERE (request_id IS NOT NULL);

CREATE INDEX failure_open ON platform.failure USING btree (last_at, id) WHERE (resolved_at IS NULL);

create table platform.house (
  only_row boolean default true not null,
  mode text not null,
  constraint house_mode_check CHECK ((mode = ANY (ARRAY['sandbox'::text, 'production'::text]))),
  constraint house_only_row_check CHECK (only_row),
  constraint house_pkey PRIMARY KEY (only_row)
);

create table platform.idempotent_request (
  caller text not null,
  route text not null,
  key text not null,
  content bytea not null,
  answer bytea default '\x'::bytea not null,
  answer_key_id text default ''::text not null,
  at timestamp with time zone default now() not null,
  constraint idempotent_request_answer_check CHECK ((octet_length(answer) <= 1048576)),
  constraint idempotent_request_answer_key_id_check CHECK ((char_length(answer_key_id) <= 64)),
  constraint idempotent_request_caller_check CHECK (((char_length(caller) >= 1) AND (char_length(caller) <= 100))),
  constraint idempotent_request_content_check CHECK ((octet_length(content) = 32)),
  constraint idempotent_request_key_check CHECK (((char_length(key) >= 1) AND (char_length(key) <= 255))),
  constraint idempotent_request_pkey PRIMARY KEY (caller, route, key),
  constraint idempotent_request_route_check CHECK (((char_length(route) >= 1) AND (char_length(route) <= 300)))
) with (fillfactor=70);

CREATE INDEX idempotent_request_age ON platform.idempotent_request USING btree (at);

create table platform.job_runner (
  id text not null,
  seen_at timestamp with time zone default now() not null,
  constraint job_runner_id_check CHECK (((char_length(id) >= 1) AND (char_length(id) <= 100))),
  constraint job_runner_pkey PRIMARY KEY (id)
);

create table platform.migration (
  name text not null,
  hash text not null,
  applied_at timestamp with time zone default now() not null,
  constraint migration_pkey PRIMARY KEY (name)
);

create table platform.outbox (
  id bigint generated always as identity not null,
  type text not null,
  subject text not null,
  payload json not null,
  at timestamp with time zone default now() not null,
  attempts integer default 0 not null,
  next_at timestamp with time zone,
  last_error text,
  constraint outbox_attempts_check CHECK ((attempts >= 0)),
  constraint outbox_check CHECK (((attempts = 0) = (next_at IS NULL))),
  constraint outbox_check1 CHECK (((attempts = 0) = (last_error IS NULL))),
  constraint outbox_last_error_check CHECK ((char_length(last_error) <= 2000)),
  constraint outbox_payload_check CHECK ((octet_length((payload)::text) <= 65536)),
  constraint outbox_pkey PRIMARY KEY (id),
  constraint outbox_subject_check CHECK ((char_length(subject) <= 200)),
  constraint outbox_type_check CHECK (((char_length(type) >= 1) AND (char_length(type) <= 100)))
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000, autovacuum_vacuum_insert_scale_factor=0, autovacuum_vacuum_insert_threshold=50000, autovacuum_vacuum_cost_delay=0);

CREATE INDEX outbox_fresh ON platform.outbox USING btree (id) WHERE (next_at IS NULL);

CREATE INDEX outbox_retry ON platform.outbox USING btree (next_at) WHERE (next_at IS NOT NULL);

create table platform.setting_change (
  name text not null,
  version bigint not null,
  value jsonb,
  at timestamp with time zone default now() not null,
  actor text not null,
  reason text not null,
  constraint setting_change_actor_check CHECK (((char_length(actor) >= 1) AND (char_length(actor) <= 100))),
  constraint setting_change_name_check CHECK (((name ~ '^[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)+$'::text) AND (char_length(name) <= 100))),
  constraint setting_change_pkey PRIMARY KEY (name, version),
  constraint setting_change_reason_check CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 500))),
  constraint setting_change_value_check CHECK ((octet_length((value)::text) <= 16384)),
  constraint setting_change_version_check CHECK ((version >= 1))
);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON platform.setting_change FOR EACH ROW EXECUTE FUNCTION platform.refuse_change();

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON platform.setting_change FOR EACH STATEMENT EXECUTE FUNCTION platform.refuse_change();

CREATE TRIGGER tell_settings AFTER INSERT ON platform.setting_change FOR EACH STATEMENT EXECUTE FUNCTION platform.tell_settings();

create table providers.call_log (
  id bigint generated always as identity not null,
  at timestamp with time zone not null,
  provider_id bigint not null,
  order_id bigint,
  action text not null,
  request text not null,
  response text not null,
  http_status integer,
  outcome text not null,
  duration_ms integer not null,
  constraint call_log_action_check CHECK (((char_length(action) >= 1) AND (char_length(action) <= 40))),
  constraint call_log_duration_ms_check CHECK ((duration_ms >= 0)),
  constraint call_log_outcome_check CHECK (((char_length(outcome) >= 1) AND (char_length(outcome) <= 60))),
  constraint call_log_pkey PRIMARY KEY (id, at),
  constraint call_log_request_check CHECK ((char_length(request) <= 2000)),
  constraint call_log_response_check CHECK ((char_length(response) <= 4000))
) partition by RANGE (at);

CREATE INDEX call_log_order ON ONLY providers.call_log USING btree (order_id, at) WHERE (order_id IS NOT NULL);

CREATE INDEX call_log_provider ON ONLY providers.call_log USING btree (provider_id, at);

create table providers.hook (
  provider_id bigint not null,
  secret_ciphertext bytea not null,
  key_id text not null,
  rotated_at timestamp with time zone not null,
  calls bigint default 0 not null,
  known bigint default 0 not null,
  unknown bigint default 0 not null,
  last_call_at timestamp with time zone,
  constraint hook_calls_check CHECK ((calls >= 0)),
  constraint hook_key_id_check CHECK (((char_length(key_id) >= 1) AND (char_length(key_id) <= 64))),
  constraint hook_known_check CHECK ((known >= 0)),
  constraint hook_pkey PRIMARY KEY (provider_id),
  constraint hook_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES providers.provider(id) ON DELETE CASCADE,
  constraint hook_secret_ciphertext_check CHECK (((octet_length(secret_ciphertext) >= 29) AND (octet_length(secret_ciphertext) <= 2000))),
  constraint hook_unknown_check CHECK ((unknown >= 0))
) with (fillfactor=50);

create table providers.provider (
  id bigint generated by default as identity not null,
  name text not null,
  adapter text not null,
  url text not null,
  currency text not null,
  enabled boolean default true not null,
  key_ciphertext bytea not null,
  key_id text not null,
  timeout_ms integer default 15000 not null,
  concurrency integer default 8 not null,
  rate_per_second integer default 20 not null,
  statuses_max integer default 100 not null,
  idempotency text default 'none'::text not null,
  created_at timestamp with time zone default now() not null,
  version bigint default 1 not null,
  balance bigint,
  balance_checked_at timestamp with time zone,
  balance_status text,
  balance_error text,
  paused_until timestamp with time zone,
  pause_reason text,
  paused_since timestamp with time zone,
  idempotency_window_s integer default 120 not null,
  lists_orders boolean default false not null,
  balance_read_at timestamp with time zone,
  constraint provider_adapter_check CHECK ((adapter ~ '^[a-z0-9][a-z0-9-]{0,39}$'::text)),
  constraint provider_balance_checked CHECK (((balance_status IS NULL) = (balance_checked_at IS NULL))),
  constraint provider_balance_error CHECK (((balance_error IS NOT NULL) = ((balance_status IS NOT NULL) AND (balance_status <> 'ok'::text)))),
  constraint provider_balance_error_check CHECK ((char_length(balance_error) <= 500)),
  constraint provider_balance_read CHECK (((balance_status IS DISTINCT FROM 'ok'::text) OR (balance IS NOT NULL))),
  constraint provider_balance_status_check CHECK ((balance_status = ANY (ARRAY['ok'::text, 'unreachable'::text, 'timeout'::text, 'server_error'::text, 'unreadable_answer'::text, 'invalid_key'::text, 'rate_limited'::text, 'refused'::text]))),
  constraint provider_concurrency_check CHECK (((concurrency >= 1) AND (concurrency <= 1000))),
  constraint provider_currency_fkey FOREIGN KEY (currency) REFERENCES ledger.asset(code),
  constraint provider_idempotency_check CHECK ((idempotency = ANY (ARRAY['none'::text, 'request_id'::text, 'natural_window'::text]))),
  constraint provider_idempotency_window_s_check CHECK (((idempotency_window_s >= 10) AND (idempotency_window_s <= 86400))),
  constraint provider_key_ciphertext_check CHECK (((octet_length(key_ciphertext) >= 29) AND (octet_length(key_ciphertext) <= 2000))),
  constraint provider_key_id_check CHECK (((char_length(key_id) >= 1) AND (char_length(key_id) <= 64))),
  constraint provider_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 80))),
  constraint provider_name_once UNIQUE (name),
  constraint provider_pause_reason CHECK (((paused_until IS NULL) = (pause_reason IS NULL))),
  constraint provider_pause_reason_check CHECK (((char_length(pause_reason) >= 1) AND (char_length(pause_reason) <= 200))),
  constraint provider_pkey PRIMARY KEY (id),
  constraint provider_rate_per_second_check CHECK (((rate_per_second >= 1) AND (rate_per_second <= 10000))),
  constraint provider_statuses_max_check CHECK (((statuses_max >= 1) AND (statuses_max <= 100))),
  constraint provider_timeout_ms_check CHECK (((timeout_ms >= 100) AND (timeout_ms <= 120000))),
  constraint provider_url_check CHECK (((url ~ '^https?://'::text) AND (char_length(url) <= 500))),
  constraint provider_version_check CHECK ((version >= 1))
) with (fillfactor=70);

CREATE OR REPLACE FUNCTION audit.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'audit.% is append-only', tg_table_name using errcode = 'restrict_violation';
end $function$;

CREATE OR REPLACE FUNCTION audit.words(text text)
 RETURNS tsvector
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN to_tsvector('simple'::regconfig, translate(text, '@.,:;/\-_+#()[]{}<>|"''!?=&%$*~^`'::text, '                               '::text));

CREATE OR REPLACE FUNCTION catalog.bump_revision()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  update catalog.revision set value = value + 1;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION catalog.keep_house_rule()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception using errcode = 'check_violation', constraint = 'markup_rule_of_house', message = 'the mark-up rule of the house stays';
end $function$;

CREATE OR REPLACE FUNCTION catalog.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception using errcode = 'restrict_violation', message = format('%I.%I is only added to', tg_table_schema, tg_table_name);
end $function$;

CREATE OR REPLACE FUNCTION identity.are_patterns(patterns text[])
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN COALESCE((SELECT bool_and((pattern.pattern ~ '^(\*|\{id\}|[a-z0-9][a-z0-9_-]{0,39})(:(\*|\{id\}|[a-z0-9][a-z0-9_-]{0,39})){0,7}$'::text)) AS bool_and FROM unnest(are_patterns.patterns) pattern(pattern)), true);

CREATE OR REPLACE FUNCTION identity.keep_administrators_whole()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception using errcode = 'check_violation', constraint = 'administrator_is_whole',
    message = 'the role administrator may do everything and stays';
end $function$;

CREATE OR REPLACE FUNCTION identity.keep_an_administrator()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  -- One after another: two administrators who remove each other must not both see the other one stay.
  perform 1 from identity.role where name = 'administrator' for no key update;
  if not exists (select 1 from identity.user where role = 'administrator' and state = 'active' and denied = '{}') then
    raise exception using errcode = 'check_violation', constraint = 'last_administrator',
      message = 'the last active administrator cannot be removed, blocked or demoted';
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION identity.tell_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform pg_notify('identity_changed', case tg_table_name
    when 'api_key' then 'key:' || encode((to_jsonb(old) ->> 'key_hash')::bytea, 'hex')
    when 'session' then 'session:' || encode((to_jsonb(old) ->> 'token_hash')::bytea, 'hex')
    when 'user' then 'user:' || (to_jsonb(old) ->> 'id')
    else 'role:' || (to_jsonb(old) ->> 'name')
  end);
  return null;
end $function$;

CREATE OR REPLACE FUNCTION identity.tell_user_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform pg_notify('identity_changed', 'user:' || case tg_table_name
    when 'user' then to_jsonb(coalesce(new, old)) ->> 'id'
    else to_jsonb(coalesce(new, old)) ->> 'user_id'
  end);
  return null;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'ledger.% is append-only', tg_table_name using errcode = 'restrict_violation';
end $function$;

CREATE OR REPLACE FUNCTION ledger.require_all(changed bigint, wanted bigint)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  if changed <> wanted then
    raise exception 'ledger: % of % rows were where they had been locked', changed, wanted;
  end if;
end $function$;

CREATE OR REPLACE FUNCTION orders.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'orders.% is append-only', tg_table_name using errcode = 'restrict_violation';
end $function$;

CREATE OR REPLACE FUNCTION payments.keep_bonus_rule()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception using errcode = 'check_violation', constraint = 'bonus_rule_stays', message = format('bonus rule %s: what was promised stays', old.id);
end $function$;

CREATE OR REPLACE FUNCTION payments.keep_deposit()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception using errcode = 'check_violation', constraint = 'deposit_stays',
    message = format('deposit %s: what was asked for and what is settled stays', old.id);
end $function$;

CREATE OR REPLACE FUNCTION payments.keep_deposit_bonus()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception using errcode = 'restrict_violation', message = 'payments.deposit_bonus is only added to';
end $function$;

CREATE OR REPLACE FUNCTION payments.keep_promo_code()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception using errcode = 'check_violation', constraint = 'promo_code_stays', message = format('promo code %s: what was promised stays', old.id);
end $function$;

CREATE OR REPLACE FUNCTION payments.keep_promo_redemption()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception using errcode = 'restrict_violation', message = 'payments.promo_redemption is only added to';
end $function$;

CREATE OR REPLACE FUNCTION platform.ensure_month_partitions(parent regclass, months_ahead integer)
 RETURNS integer
 LANGUAGE plpgsql
 SET "TimeZone" TO 'UTC'
AS $function$
declare
  parent_schema name;
  parent_name name;
  key_column name;
  default_partition regclass;
  month_start timestamptz;
  month_end timestamptz;
  partition_name text;
  attach text;
  missing record;
  made int := 0;
begin
  if months_ahead is null or months_ahead not between 0 and 36 then
    raise exception 'ensure_month_partitions: months_ahead is 0 to 36, not %', months_ahead;
  end if;

  -- Held to the end of the transaction: a second caller waits here and then finds everything made.
  perform pg_advisory_xact_lock(7252025, parent::oid::int);

  select namespace.nspname, class.relname, attribute.attname, nullif(partitioned.partdefid, 0)
    into parent_schema, parent_name, key_column, default_partition
    from pg_partitioned_table partitioned
    join pg_class class on class.oid = partitioned.partrelid
    join pg_namespace namespace on namespace.oid = class.relnamespace
    join pg_attribute attribute
      on attribute.attrelid = class.oid and attribute.attnum = partitioned.partattrs[0]
    where class.oid = parent and partitioned.partstrat = 'r' and partitioned.partnatts = 1
      and attribute.atttypid = 'timestamptz'::regtype;
  if not found then
    raise exception '% is not partitioned by range on one timestamptz column', parent;
  end if;

  for step in 0..months_ahead loop
    month_start := date_trunc('month', now()) + make_interval(months => step);
    month_end := month_start + interval '1 month';
    partition_name := parent_name || to_char(month_start, '"_y"YYYY"m"MM');
    continue when to_regclass(format('%I.%I', parent_schema, partition_name)) is not null;

    execute format('create table %I.%I (like %s including all excluding identity)', parent_schema, partition_name, parent);
    attach := format('alter table %s attach partition %I.%I for values from (%L) to (%L)',
      parent, parent_schema, partition_name, month_start, month_end);
    begin
      -- Made apart and then attached, which does not shut out the parent's readers and writers.
      execute attach;
    exception when check_violation then
      -- Rows of this month lie in the default partition. The parent is locked first, as writers do; nobody sees it without its default, and a failure
      -- on the way leaves all as it was.
      execute format('lock table only %s in access exclusive mode', parent);
      execute format('alter table %s detach partition %s', parent, default_partition);
      execute format(
        'with moved as (delete from %s where %I >= %L and %I < %L returning *) insert into %I.%I select * from moved',
        default_partition, key_column, month_start, key_column, month_end, parent_schema, partition_name);
      execute attach;
      execute format('alter table %s attach partition %s default', parent, default_partition);
    end;
    made := made + 1;
  end loop;

  for missing in
    select partition.inhrelid::regclass as partition, guard.tgname as name, guard.tgfoid::regproc as function
    from pg_trigger guard
    join pg_inherits partition on partition.inhparent = guard.tgrelid
    -- 34: before truncate, for each statement.
    where guard.tgrelid = parent and guard.tgtype = 34 and not exists (
      select from pg_trigger own
      where own.tgrelid = partition.inhrelid and own.tgtype = guard.tgtype and own.tgfoid = guard.tgfoid)
    order by partition.inhrelid
  loop
    execute format('create trigger %I before truncate on %s for each statement execute function %s()',
      missing.name, missing.partition, missing.function);
  end loop;
  return made;
end
$function$;

CREATE OR REPLACE FUNCTION platform.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'platform.% is append-only', tg_table_name using errcode = 'restrict_violation';
end $function$;

CREATE OR REPLACE FUNCTION platform.tell_settings()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform pg_notify('settings_changed', '');
  return null;
end $function$;
