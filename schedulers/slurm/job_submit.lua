-- For Slurm's plugin job_submit/lua: jobs that agree to wait get a begin time a little ahead, so that `wattq slurm hold`
-- sees them before Slurm starts them. When nothing holds jobs, they start that much later, and no more.
-- Jobs with a later begin time of their own keep it. GRACE_S is twice hold.interval_s; QOS are those of hold.qos.
local GRACE_S = 600
local QOS = {}

local function agrees(job)
  if job.comment ~= nil and string.find(job.comment, "wattq:de", 1, true) then
    return true
  end
  return job.qos ~= nil and QOS[job.qos] == true
end

function slurm_job_submit(job, partitions, uid)
  if agrees(job) then
    local soonest = os.time() + GRACE_S
    local begin = job.begin_time
    if begin == nil or begin == 0 or begin == slurm.NO_VAL64 or begin == slurm.NO_VAL or begin < soonest then
      job.begin_time = soonest
    end
  end
  return slurm.SUCCESS
end

function slurm_job_modify(job, record, partitions, uid)
  return slurm.SUCCESS
end

return slurm.SUCCESS
