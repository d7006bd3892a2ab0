import { totalmem } from 'node:os'

const MIB = 1024 * 1024

/**
 * PostgreSQL's settings for money on a small machine: durable first, then quick. The memory may be limited below the machine's own,
 * as in a container.
 */
export function settingsOf(
  memory_bytes = Math.min(totalmem(), process.constrainedMemory() || Infinity),
): Record<string, string> {
  // An eighth of the memory up to 512 MiB: the other seven serve Node and the system's cache of files.
  const shared_mib = Math.max(32, Math.min(512, Math.floor(memory_bytes / 8 / MIB)))
  return {
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    wal_level: 'replica',
    shared_buffers: `${shared_mib}MB`,
    effective_cache_size: `${Math.max(64, Math.floor(memory_bytes / 2 / MIB))}MB`,
    maintenance_work_mem: `${Math.max(32, Math.floor(shared_mib / 4))}MB`,
    // Far apart, because after each checkpoint every page is logged whole once.
    checkpoint_timeout: '15min',
    max_wal_size: '4GB',
    min_wal_size: '512MB',
    // The binaries lack lz4, and pglz costs more of two cores than it saves of the disk.
    wal_compression: 'off',
    max_connections: '200',
    // Our statements are short; compiling one takes longer than running it.
    jit: 'off',
    // Flash disks read anywhere at nearly the same cost.
    random_page_cost: '1.1',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] %q%a ',
    logging_collector: 'off',
    log_destination: 'stderr',
  }
}
