-- Jobs of one cell of Google's cluster trace of May 2019 (BigQuery, standard SQL), one row each, with what they asked for.
-- wattq reads the result as CSV:
--   bq query --use_legacy_sql=false --format=csv --max_rows=1000000 < google2019.sql > google2019.csv
--   wattq workload convert google2019.csv google2019.json --machine-cores 64
-- Times are microseconds; date 0 is 600 s before the trace. cpus and memory are fractions of the largest machine, summed
-- over the instances of the job, each at the largest request that it made.
-- Change the cell (a to h) in both FROM clauses and the two dates below.
DECLARE from_us INT64 DEFAULT 600000000;              -- begin of the trace
DECLARE until_us INT64 DEFAULT 600000000 + 86400000000; -- one day

WITH jobs AS (
  SELECT
    collection_id,
    ANY_VALUE(user) AS user,
    MAX(scheduling_class) AS scheduling_class,
    MAX(priority) AS priority,
    MIN(IF(type = 0, time, NULL)) AS submit_us,               -- SUBMIT
    MIN(IF(type = 3, time, NULL)) AS start_us,                -- SCHEDULE
    MAX(IF(type BETWEEN 4 AND 8, time, NULL)) AS end_us,      -- EVICT, FAIL, FINISH, KILL, LOST
    ARRAY_AGG(type ORDER BY time DESC LIMIT 1)[OFFSET(0)] AS final_event
  FROM `google.com:google-cluster-data`.clusterdata_2019_a.collection_events
  WHERE collection_type = 0 AND type <= 8                     -- jobs, not alloc sets; no updates
  GROUP BY collection_id
),
instances AS (
  SELECT
    collection_id,
    instance_index,
    MAX(resource_request.cpus) AS cpus,
    MAX(resource_request.memory) AS memory
  FROM `google.com:google-cluster-data`.clusterdata_2019_a.instance_events
  WHERE collection_type = 0
  GROUP BY collection_id, instance_index
),
requests AS (
  SELECT collection_id, COUNT(*) AS instances, SUM(cpus) AS cpus, SUM(memory) AS memory
  FROM instances
  GROUP BY collection_id
)
SELECT
  collection_id, user, scheduling_class, priority, submit_us, start_us, end_us, final_event, instances, cpus, memory
FROM jobs JOIN requests USING (collection_id)
WHERE submit_us >= from_us AND submit_us < until_us
ORDER BY submit_us, collection_id;
