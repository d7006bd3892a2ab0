-- All order types but subscriptions are sold. The version before knows only the first three of them and passes over the others at import.
alter table catalog.service drop constraint service_type_check;
alter table catalog.service add constraint service_type_check check (type in ('Default', 'Package', 'SEO', 'Custom Comments',
  'Custom Comments Package', 'Mentions', 'Mentions with Hashtags', 'Mentions Custom List', 'Mentions Hashtag', 'Mentions User Followers',
  'Mentions Media Likers', 'Comment Likes', 'Comment Replies', 'Poll', 'Invites from Groups', 'Subscriptions', 'Web Traffic'));

-- Whether one may order the same link of the service again while an order for it is under way. Staff's word; without it, yes.
alter table catalog.service add column duplicate_links text not null default 'allow' check (duplicate_links in ('allow', 'refuse'));
