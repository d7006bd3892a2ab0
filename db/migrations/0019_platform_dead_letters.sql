-- Who replayed or dropped a letter, and why.
alter table platform.dead_letter
  add column settled_by text check (char_length(settled_by) between 1 and 100),
  add column settled_reason text check (char_length(settled_reason) between 1 and 500);

-- Staff look for all letters of one name, and settle them oldest first.
create index dead_letter_of_name on platform.dead_letter (name, id) where state = 'waiting';
