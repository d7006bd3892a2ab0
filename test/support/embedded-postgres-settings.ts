/** Small, so that several may run beside the other tests. Durability stays as it is. */
export const SMALL = { shared_buffers: '32MB', min_wal_size: '32MB' }
