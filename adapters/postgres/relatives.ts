/** The table of parameter $n, its partitions and all that inherits from it. pg_partition_tree would wait for their locks. */
export const relativesSql = (parameter: string) => `
  (WITH RECURSIVE relatives AS (
     SELECT to_regclass(${parameter})::oid AS oid
     UNION SELECT i.inhrelid FROM pg_inherits i JOIN relatives r ON r.oid = i.inhparent)
   SELECT oid FROM relatives)`;
