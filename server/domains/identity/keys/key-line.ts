/**
 * A key that is rotated has a successor, and that perhaps one of its own: a line, known by the key with which it began. What holds for a line goes on
 * when its secret is exchanged. As SQL, each walk along an index; the names within are chosen so that none hides the caller's.
 */

/** For select lists: the first key of the line that key `key` is in. */
export const firstOfLine = (key: string) => `(
  with recursive key_line as (
    select line_key.id, line_key.rotated_from from identity.api_key line_key where line_key.id = ${key}
    union all
    select line_key.id, line_key.rotated_from from key_line join identity.api_key line_key on line_key.id = key_line.rotated_from)
  select min(key_line.id) from key_line)`

/** For `in`: the keys of the line that began with key `first`. */
export const keysOfLine = (first: string) => `(
  with recursive key_line as (
    select ${first}::bigint as id
    union all
    select line_key.id from key_line join identity.api_key line_key on line_key.rotated_from = key_line.id)
  select key_line.id from key_line)`
