-- An invitation is a link of its own: it lives longer than one that resets a password, and its mail has its own words.
alter table identity.one_time_link drop constraint one_time_link_purpose_check;
alter table identity.one_time_link add constraint one_time_link_purpose_check
  check (purpose in ('confirm_email', 'reset_password', 'confirm_new_email', 'confirm_old_email', 'accept_invitation'));
