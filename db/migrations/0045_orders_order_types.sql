-- All order types but subscriptions are taken. Not valid yet: what is there passed a narrower check, and to read it all again would hold up every order meanwhile.
alter table orders.orders drop constraint orders_type_check;
alter table orders.orders add constraint orders_type_check check (type in ('Default', 'Package', 'SEO', 'Custom Comments',
  'Custom Comments Package', 'Mentions', 'Mentions with Hashtags', 'Mentions Custom List', 'Mentions Hashtag', 'Mentions User Followers',
  'Mentions Media Likers', 'Comment Likes', 'Comment Replies', 'Poll', 'Invites from Groups', 'Subscriptions', 'Web Traffic')) not valid;

-- While it is under way no other order of its service may have its link: so its service wanted it when it was placed.
alter table orders.orders add column sole_link boolean not null default false;
