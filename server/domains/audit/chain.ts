/**
 * What a seal's hash covers besides the hash of the seal before it: each of its acts, as SQL over rows of audit.sealed_act. The making and the proving of
 * seals share it; another text would prove none of those that were made before.
 */
export const SEAL_BODY = `string_agg(int8send(number) || int8send(act) ||
    int8send((extract(epoch from at) * 1000000)::bigint) || hash, ''::bytea order by number)`

/** The hash of an act, as SQL over rows of audit.act_text. */
export const ACT_HASH = `sha256(convert_to(text, 'UTF8'))`
