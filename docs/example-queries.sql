-- How many resources of each type are there?
SELECT type, count(*) AS resources FROM resources GROUP BY type ORDER BY resources DESC, type;

-- Which findings are the worst, and since when are they open?
SELECT severity, "check", name, region, date(since) AS since, evidence FROM findings WHERE verdict = 'fail'
ORDER BY CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 WHEN 'low' THEN 3 ELSE 4 END, since
LIMIT 20;

-- Which PostgreSQL databases run which version?
SELECT name, region, document ->> 'EngineVersion' AS version FROM resources
WHERE type = 'AWS::RDS::DBInstance' AND document ->> 'Engine' = 'postgres' ORDER BY version, name;

-- What has no tag `team`?
SELECT type, count(*) AS untagged FROM resources WHERE tags ->> 'team' IS NULL GROUP BY type ORDER BY untagged DESC, type;

-- Which security groups let in whom, port by port?
SELECT r.name, r.region, rule.value ->> 'FromPort' AS port, range.value ->> 'CidrIp' AS source
FROM resources AS r, json_each(r.document, '$.IpPermissions') AS rule, json_each(rule.value, '$.IpRanges') AS range
WHERE r.type = 'AWS::EC2::SecurityGroup' ORDER BY r.name, port;

-- Where is the most money to be saved?
SELECT "check", count(*) AS findings, round(sum(usd_month), 2) AS usd_month FROM savings
GROUP BY "check" ORDER BY usd_month DESC;

-- How long did findings stay open that were resolved, in days?
SELECT "check", count(*) AS resolved, round(avg(julianday(until) - julianday(opened)), 1) AS days FROM findings_history
WHERE ended = 'resolved' GROUP BY "check" ORDER BY days DESC;

-- How did the score of each section move?
SELECT date(scanned_at) AS night, id AS section, value, letter FROM scores_history
WHERE level = 'section' AND value IS NOT NULL ORDER BY night, section;

-- What could not be read last time, and why?
SELECT account, region, type, state, operation, code FROM coverage
WHERE state NOT IN ('complete', 'not_offered') ORDER BY account, region, type;

-- What changed most often?
SELECT type, name, count(*) - 1 AS changes, max(date(since)) AS newest FROM resources_history
GROUP BY arn HAVING changes > 0 ORDER BY changes DESC, name LIMIT 20;

-- Which teams own the findings, by severity?
SELECT coalesce(r.tags ->> 'team', 'nobody') AS team, f.severity, count(*) AS findings
FROM findings AS f LEFT JOIN resources AS r ON r.arn = f.resource AND r.account = f.account
WHERE f.verdict = 'fail' GROUP BY team, f.severity ORDER BY team, findings DESC;

-- Which waivers end in the next 60 days, and how many failures count again then?
SELECT until, owner, ticket, coalesce(nullif("check", ''), pattern) AS about, findings, reason FROM waivers
WHERE state IN ('active', 'ending') AND until < date('now', '+60 days') ORDER BY until;

-- Who attested what, and which verdicts stand on it?
SELECT author, given, until, statement, evidence, state, json_array_length(verdicts) AS verdicts FROM attestations
ORDER BY verdicts DESC, author;
