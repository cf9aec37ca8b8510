BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE annotation_import (
	id INTEGER NOT NULL, 
	project_id INTEGER NOT NULL, 
	token TEXT NOT NULL, 
	source TEXT NOT NULL, 
	format TEXT NOT NULL, 
	segments INTEGER NOT NULL, 
	created_us BIGINT NOT NULL, 
	undone_us BIGINT, 
	CONSTRAINT pk_annotation_import PRIMARY KEY (id), 
	CONSTRAINT fk_annotation_import_project_id FOREIGN KEY(project_id) REFERENCES project (id), 
	CONSTRAINT uq_annotation_import_token UNIQUE (token)
);
INSERT INTO "annotation_import" VALUES(1,1,'t','coin.json','coin',4,1795294588021506,NULL);
CREATE TABLE change (
	sequence INTEGER NOT NULL, 
	project_id INTEGER NOT NULL, 
	video_id INTEGER, 
	action TEXT NOT NULL, 
	detail JSON NOT NULL, 
	at_us BIGINT NOT NULL, operation VARCHAR(36), undoes VARCHAR(36), redoes VARCHAR(36), 
	CONSTRAINT pk_change PRIMARY KEY (sequence), 
	CONSTRAINT fk_change_project_id FOREIGN KEY(project_id) REFERENCES project (id), 
	CONSTRAINT fk_change_video_id FOREIGN KEY(video_id) REFERENCES video (id)
);
INSERT INTO "change" VALUES(1,1,NULL,'add labels','{"label_set":"steps","added":["add sugar","add salt","add milk"],"returned":[]}',1795294588000795,NULL,NULL,NULL);
INSERT INTO "change" VALUES(2,1,NULL,'set splits','{"before":{"kitchen/make_tea.mp4":null,"kitchen/make_juice.mp4":null,"kitchen/make_toast.mp4":null},"after":{"kitchen/make_tea.mp4":"train","kitchen/make_juice.mp4":"val","kitchen/make_toast.mp4":"test"}}',1795294588004582,NULL,NULL,NULL);
INSERT INTO "change" VALUES(3,1,1,'set goal','{"before":"","after":"make tea"}',1795294588007152,NULL,NULL,NULL);
INSERT INTO "change" VALUES(4,1,1,'save segments','{"segments":[{"before":null,"after":{"id":"c8b2af5f-8a06-416a-91a4-417090cb86de","start_us":1000000,"end_us":3000000,"label_id":1,"track":"","kind":"interval","source":"human","confidence":null,"note":"gr\u00f6\u00dfer als ''1; DROP TABLE''","parent_id":null,"version":1,"deleted":false,"label":"add sugar"}},{"before":null,"after":{"id":"053de8df-a9cc-444e-8d30-58738847b53c","start_us":4000000,"end_us":6000000,"label_id":2,"track":"","kind":"interval","source":"human","confidence":null,"note":"","parent_id":null,"version":1,"deleted":false,"label":"add salt"}},{"before":null,"after":{"id":"ad57ad34-011e-4e99-abb1-3c7cb5a46ee8","start_us":6000000,"end_us":7000000,"label_id":null,"track":"","kind":"ignore","source":"human","confidence":null,"note":"","parent_id":null,"version":1,"deleted":false,"label":null}}]}',1795294588013083,NULL,NULL,NULL);
INSERT INTO "change" VALUES(5,1,1,'save segments','{"segments":[{"before":{"id":"c8b2af5f-8a06-416a-91a4-417090cb86de","start_us":1000000,"end_us":3000000,"label_id":1,"track":"","kind":"interval","source":"human","confidence":null,"note":"gr\u00f6\u00dfer als ''1; DROP TABLE''","parent_id":null,"version":1,"deleted":false,"label":"add sugar"},"after":{"id":"c8b2af5f-8a06-416a-91a4-417090cb86de","start_us":1000000,"end_us":3000000,"label_id":1,"track":"","kind":"interval","source":"human","confidence":null,"note":"gr\u00f6\u00dfer als ''1; DROP TABLE''","parent_id":null,"version":2,"deleted":true,"label":"add sugar"}}]}',1795294588017962,NULL,NULL,NULL);
INSERT INTO "change" VALUES(6,1,2,'import segments','{"import":1,"source":"coin.json","segments":[{"id":"a80283a6-6258-40f6-8ea1-cb846fa9b9b0","label_id":2,"start_us":0,"end_us":1000000,"track":"","kind":"interval","source":"import","confidence":null,"note":"","parent_id":"496a5c00-09c9-4744-9efe-a850cce10ecd","version":1,"label":"add salt"},{"id":"496a5c00-09c9-4744-9efe-a850cce10ecd","label_id":3,"start_us":0,"end_us":2000000,"track":"left","kind":"interval","source":"import","confidence":0.5,"note":"a step","parent_id":null,"version":1,"label":"add milk"}]}',1795294588025223,NULL,NULL,NULL);
INSERT INTO "change" VALUES(7,1,3,'import segments','{"import":1,"source":"coin.json","segments":[{"id":"9d2ad054-4185-4e90-8afa-b5e3ac2791d5","label_id":2,"start_us":500000,"end_us":500000,"track":"","kind":"point","source":"import","confidence":null,"note":"","parent_id":null,"version":1,"label":"add salt"},{"id":"321c65c3-3dda-44b6-b179-c508323ab318","label_id":2,"start_us":0,"end_us":1000000,"track":"","kind":"interval","source":"import","confidence":null,"note":"","parent_id":null,"version":1,"label":"add salt"}]}',1795294588025224,NULL,NULL,NULL);
INSERT INTO "change" VALUES(8,1,NULL,'archive label','{"label_set":"steps","id":3,"label":"add milk","archived":true}',1795294588029289,NULL,NULL,NULL);
INSERT INTO "change" VALUES(9,1,1,'annotate','{"name":"split","revision":3,"segments":[{"before":{"id":"c8b2af5f-8a06-416a-91a4-417090cb86de","start_us":1000000,"end_us":3000000,"label_id":1,"track":"","kind":"interval","source":"human","confidence":null,"note":"gr\u00f6\u00dfer als ''1; DROP TABLE''","parent_id":null,"version":2,"deleted":true,"label":"add sugar"},"after":{"id":"c8b2af5f-8a06-416a-91a4-417090cb86de","start_us":1000000,"end_us":2000000,"label_id":1,"track":"","kind":"interval","source":"human","confidence":null,"note":"gr\u00f6\u00dfer als ''1; DROP TABLE''","parent_id":null,"version":3,"deleted":false,"label":"add sugar"}},{"before":null,"after":{"id":"38873a2b-a3fa-4df5-9c2c-d4e5463d850f","start_us":2000000,"end_us":3000000,"label_id":2,"track":"","kind":"interval","source":"human","confidence":null,"note":"","parent_id":null,"version":1,"deleted":false,"label":"add salt"}}],"unchanged":[],"answers":[]}',1795294588058636,'988d3d66-05f1-4cf8-b6b8-f85198aa3633',NULL,NULL);
INSERT INTO "change" VALUES(10,1,1,'annotate','{"name":"undo","revision":4,"segments":[{"before":{"id":"c8b2af5f-8a06-416a-91a4-417090cb86de","start_us":1000000,"end_us":2000000,"label_id":1,"track":"","kind":"interval","source":"human","confidence":null,"note":"gr\u00f6\u00dfer als ''1; DROP TABLE''","parent_id":null,"version":3,"deleted":false,"label":"add sugar"},"after":{"id":"c8b2af5f-8a06-416a-91a4-417090cb86de","start_us":1000000,"end_us":3000000,"label_id":1,"track":"","kind":"interval","source":"human","confidence":null,"note":"gr\u00f6\u00dfer als ''1; DROP TABLE''","parent_id":null,"version":4,"deleted":false,"label":"add sugar"}},{"before":{"id":"38873a2b-a3fa-4df5-9c2c-d4e5463d850f","start_us":2000000,"end_us":3000000,"label_id":2,"track":"","kind":"interval","source":"human","confidence":null,"note":"","parent_id":null,"version":1,"deleted":false,"label":"add salt"},"after":{"id":"38873a2b-a3fa-4df5-9c2c-d4e5463d850f","start_us":2000000,"end_us":3000000,"label_id":2,"track":"","kind":"interval","source":"human","confidence":null,"note":"","parent_id":null,"version":2,"deleted":true,"label":"add salt"}}],"unchanged":[],"answers":[]}',1795294588064246,'f1fd28fb-9a60-4d29-b6d7-565f8c92a200','988d3d66-05f1-4cf8-b6b8-f85198aa3633',NULL);
INSERT INTO "change" VALUES(11,1,1,'annotate','{"name":"reject","revision":5,"segments":[],"unchanged":[],"answers":[{"proposal":"c4708b40-550f-4aa4-92da-85907791b1ab","run":1,"before":false,"after":true}]}',1795294588068199,'4a7f8338-4242-48f7-9665-26f0b5147f80',NULL,NULL);
CREATE TABLE curve_point (
	job_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	value DOUBLE, 
	CONSTRAINT pk_curve_point PRIMARY KEY (job_id, step, name), 
	CONSTRAINT fk_curve_point_job_id FOREIGN KEY(job_id) REFERENCES job (id)
);
INSERT INTO "curve_point" VALUES(1,1,'loss',0.5);
INSERT INTO "curve_point" VALUES(1,2,'loss',NULL);
CREATE TABLE job (
	id INTEGER NOT NULL, 
	project_id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	spec JSON NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	slot TEXT NOT NULL, 
	priority INTEGER NOT NULL, 
	pid INTEGER, 
	pid_start DOUBLE, 
	attempt INTEGER NOT NULL, 
	stop_request VARCHAR(16), 
	heartbeat_us BIGINT, 
	created_us BIGINT NOT NULL, 
	started_us BIGINT, 
	ended_us BIGINT, 
	exit_code INTEGER, 
	error JSON, 
	progress JSON, 
	result JSON, 
	CONSTRAINT pk_job PRIMARY KEY (id), 
	CONSTRAINT fk_job_project_id FOREIGN KEY(project_id) REFERENCES project (id)
);
INSERT INTO "job" VALUES(1,1,'train','{"epochs":3}','DONE','cpu',0,4242,1.5,1,NULL,1795294588039539,1795294588032312,1795294588033575,1795294588043361,0,NULL,'{"done":1,"total":10,"message":"training","values":{"loss":0.5}}','{"steps":10}');
CREATE TABLE label (
	id INTEGER NOT NULL, 
	label_set_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	verb TEXT NOT NULL, 
	noun TEXT NOT NULL, 
	colour TEXT NOT NULL, 
	hotkey TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	archived BOOLEAN NOT NULL, 
	CONSTRAINT pk_label PRIMARY KEY (id), 
	CONSTRAINT fk_label_label_set_id FOREIGN KEY(label_set_id) REFERENCES label_set (id), 
	CONSTRAINT uq_label_label_set_id_name UNIQUE (label_set_id, name)
);
INSERT INTO "label" VALUES(1,1,'add sugar','add','sugar','','',0,0);
INSERT INTO "label" VALUES(2,1,'add salt','add','salt','','',1,0);
INSERT INTO "label" VALUES(3,1,'add milk','add','milk','','',2,1);
CREATE TABLE label_set (
	id INTEGER NOT NULL, 
	project_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	revision INTEGER NOT NULL, 
	created_us BIGINT NOT NULL, 
	CONSTRAINT pk_label_set PRIMARY KEY (id), 
	CONSTRAINT fk_label_set_project_id FOREIGN KEY(project_id) REFERENCES project (id), 
	CONSTRAINT uq_label_set_project_id_name UNIQUE (project_id, name)
);
INSERT INTO "label_set" VALUES(1,1,'steps',2,1795294587996765);
CREATE TABLE prediction (
	run_id INTEGER NOT NULL, 
	video_id INTEGER NOT NULL, 
	path TEXT NOT NULL, 
	rows INTEGER NOT NULL, 
	ms DOUBLE NOT NULL, 
	passes DOUBLE NOT NULL, 
	tokens DOUBLE NOT NULL, 
	created_us BIGINT NOT NULL, 
	CONSTRAINT pk_prediction PRIMARY KEY (run_id, video_id), 
	CONSTRAINT fk_prediction_run_id FOREIGN KEY(run_id) REFERENCES run (id), 
	CONSTRAINT fk_prediction_video_id FOREIGN KEY(video_id) REFERENCES video (id)
);
INSERT INTO "prediction" VALUES(1,1,'runs/1/predictions/a.safetensors',240,4.8,1.0,1.0,1795294588050699);
CREATE TABLE project (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	settings JSON NOT NULL, 
	created_us BIGINT NOT NULL, 
	CONSTRAINT pk_project PRIMARY KEY (id), 
	CONSTRAINT uq_project_name UNIQUE (name)
);
INSERT INTO "project" VALUES(1,'kitchen','{}',1795294587982905);
CREATE TABLE proposal_answer (
	id VARCHAR(36) NOT NULL, 
	video_id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	rejected BOOLEAN NOT NULL, 
	created_us BIGINT NOT NULL, 
	updated_us BIGINT NOT NULL, 
	CONSTRAINT pk_proposal_answer PRIMARY KEY (id), 
	CONSTRAINT fk_proposal_answer_run_id FOREIGN KEY(run_id) REFERENCES run (id), 
	CONSTRAINT fk_proposal_answer_video_id FOREIGN KEY(video_id) REFERENCES video (id)
);
INSERT INTO "proposal_answer" VALUES('c4708b40-550f-4aa4-92da-85907791b1ab',1,1,1,1795294588068716,1795294588068717);
CREATE TABLE run (
	id INTEGER NOT NULL, 
	project_id INTEGER NOT NULL, 
	job_id INTEGER, 
	name TEXT NOT NULL, 
	classifier TEXT NOT NULL, 
	task TEXT NOT NULL, 
	backbone TEXT NOT NULL, 
	codec TEXT NOT NULL, 
	context TEXT NOT NULL, 
	decoder TEXT NOT NULL, 
	config JSON NOT NULL, 
	folder TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	data_hash TEXT NOT NULL, 
	label_set_id INTEGER, 
	label_set_revision INTEGER, 
	created_us BIGINT NOT NULL, 
	CONSTRAINT pk_run PRIMARY KEY (id), 
	CONSTRAINT fk_run_job_id FOREIGN KEY(job_id) REFERENCES job (id), 
	CONSTRAINT fk_run_label_set_id FOREIGN KEY(label_set_id) REFERENCES label_set (id), 
	CONSTRAINT fk_run_project_id FOREIGN KEY(project_id) REFERENCES project (id), 
	CONSTRAINT uq_run_project_id_name UNIQUE (project_id, name)
);
INSERT INTO "run" VALUES(1,1,1,'nano-1','gad','online','nano','text','','','{}','runs/1','ready','ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',1,1,1795294588046324);
CREATE TABLE run_metric (
	run_id INTEGER NOT NULL, 
	split TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	value DOUBLE, 
	low DOUBLE, 
	high DOUBLE, 
	count INTEGER, 
	CONSTRAINT pk_run_metric PRIMARY KEY (run_id, split, "key"), 
	CONSTRAINT fk_run_metric_run_id FOREIGN KEY(run_id) REFERENCES run (id)
);
INSERT INTO "run_metric" VALUES(1,'test','top1',0.86,0.84,0.88,36);
CREATE TABLE "segment" (
	id VARCHAR(36) NOT NULL, 
	video_id INTEGER NOT NULL, 
	label_id INTEGER, 
	start_us BIGINT NOT NULL, 
	end_us BIGINT NOT NULL, 
	track TEXT NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	source VARCHAR(16) NOT NULL, 
	confidence DOUBLE, 
	note TEXT NOT NULL, 
	import_id INTEGER, 
	version INTEGER NOT NULL, 
	deleted_us BIGINT, 
	created_us BIGINT NOT NULL, 
	updated_us BIGINT NOT NULL, 
	parent_id VARCHAR(36), 
	CONSTRAINT pk_segment PRIMARY KEY (id), 
	CONSTRAINT fk_segment_label_id FOREIGN KEY(label_id) REFERENCES label (id), 
	CONSTRAINT ck_segment_labelled CHECK (kind = 'ignore' OR label_id IS NOT NULL), 
	CONSTRAINT fk_segment_import_id FOREIGN KEY(import_id) REFERENCES annotation_import (id), 
	CONSTRAINT fk_segment_video_id FOREIGN KEY(video_id) REFERENCES video (id), 
	CONSTRAINT ck_segment_span CHECK (start_us >= 0 AND CASE kind WHEN 'point' THEN end_us = start_us ELSE end_us > start_us END), 
	CONSTRAINT fk_segment_parent_id FOREIGN KEY(parent_id) REFERENCES segment (id) DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO "segment" VALUES('c8b2af5f-8a06-416a-91a4-417090cb86de',1,1,1000000,3000000,'','interval','human',NULL,'größer als ''1; DROP TABLE''',NULL,4,NULL,1795294588012496,1795294588063804,NULL);
INSERT INTO "segment" VALUES('053de8df-a9cc-444e-8d30-58738847b53c',1,2,4000000,6000000,'','interval','human',NULL,'',NULL,1,NULL,1795294588012499,1795294588012499,NULL);
INSERT INTO "segment" VALUES('ad57ad34-011e-4e99-abb1-3c7cb5a46ee8',1,NULL,6000000,7000000,'','ignore','human',NULL,'',NULL,1,NULL,1795294588012500,1795294588012500,NULL);
INSERT INTO "segment" VALUES('a80283a6-6258-40f6-8ea1-cb846fa9b9b0',2,2,0,1000000,'','interval','import',NULL,'',1,1,NULL,1795294588023009,1795294588023009,'496a5c00-09c9-4744-9efe-a850cce10ecd');
INSERT INTO "segment" VALUES('496a5c00-09c9-4744-9efe-a850cce10ecd',2,3,0,2000000,'left','interval','import',0.5,'a step',1,1,NULL,1795294588023009,1795294588023009,NULL);
INSERT INTO "segment" VALUES('9d2ad054-4185-4e90-8afa-b5e3ac2791d5',3,2,500000,500000,'','point','import',NULL,'',1,1,NULL,1795294588023009,1795294588023009,NULL);
INSERT INTO "segment" VALUES('321c65c3-3dda-44b6-b179-c508323ab318',3,2,0,1000000,'','interval','import',NULL,'',1,1,NULL,1795294588023009,1795294588023009,NULL);
INSERT INTO "segment" VALUES('38873a2b-a3fa-4df5-9c2c-d4e5463d850f',1,2,2000000,3000000,'','interval','human',NULL,'',NULL,2,1795294588063344,1795294588058267,1795294588063511,NULL);
CREATE TABLE statistic (
	"key" TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	value JSON NOT NULL, 
	created_us BIGINT NOT NULL, 
	CONSTRAINT pk_statistic PRIMARY KEY ("key")
);
INSERT INTO "statistic" VALUES('c78d31b1b1f9493e232961f93ed28e974dcf902c637862e3cb74ae29c7e78cf2','confusion','{"n":3}',1795294588070995);
CREATE TABLE video (
	id INTEGER NOT NULL, 
	project_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	path TEXT NOT NULL, 
	content_hash TEXT, 
	size_bytes BIGINT, 
	mtime_ns BIGINT, 
	duration_us BIGINT, 
	width INTEGER, 
	height INTEGER, 
	rotation INTEGER NOT NULL, 
	offset_us BIGINT NOT NULL, 
	codec TEXT NOT NULL, 
	fps DOUBLE, 
	frame_count INTEGER, 
	timing TEXT NOT NULL, 
	health VARCHAR(16) NOT NULL, 
	health_reason TEXT NOT NULL, 
	usable_us BIGINT, 
	playable BOOLEAN, 
	has_audio BOOLEAN, 
	split TEXT, 
	goal TEXT NOT NULL, 
	revision INTEGER NOT NULL, 
	archived BOOLEAN NOT NULL, 
	created_us BIGINT NOT NULL, 
	CONSTRAINT pk_video PRIMARY KEY (id), 
	CONSTRAINT fk_video_project_id FOREIGN KEY(project_id) REFERENCES project (id), 
	CONSTRAINT uq_video_project_id_name UNIQUE (project_id, name), 
	CONSTRAINT uq_video_project_id_path UNIQUE (project_id, path)
);
INSERT INTO "video" VALUES(1,1,'kitchen/make_tea.mp4','/videos/kitchen/make_tea.mp4','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1000,1,60000000,640,360,0,0,'',25.0,NULL,'','good','',NULL,NULL,NULL,'train','make tea',5,0,1795294587986877);
INSERT INTO "video" VALUES(2,1,'kitchen/make_juice.mp4','/videos/kitchen/make_juice.mp4','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',1000,1,60000000,640,360,0,0,'',25.0,NULL,'','good','',NULL,NULL,NULL,'val','',1,0,1795294587986880);
INSERT INTO "video" VALUES(3,1,'kitchen/make_toast.mp4','/videos/kitchen/make_toast.mp4','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',1000,1,60000000,640,360,0,0,'',25.0,NULL,'','good','',NULL,NULL,NULL,'test','',1,0,1795294587986881);
CREATE INDEX ix_video_content_hash ON video (content_hash);
CREATE INDEX ix_annotation_import_project_id ON annotation_import (project_id);
CREATE INDEX ix_change_video_id ON change (video_id);
CREATE UNIQUE INDEX ix_job_one_running_per_slot ON job (slot) WHERE state IN ('RUNNING', 'STOPPING');
CREATE INDEX ix_job_project_id ON job (project_id);
CREATE INDEX ix_job_queue ON job (state, slot, priority);
CREATE INDEX ix_run_job_id ON run (job_id);
CREATE INDEX ix_prediction_video_id ON prediction (video_id);
CREATE INDEX ix_statistic_kind ON statistic (kind);
CREATE INDEX ix_segment_import_id ON segment (import_id);
CREATE INDEX ix_segment_live_video_id_start_us ON segment (video_id, start_us) WHERE deleted_us IS NULL;
CREATE INDEX ix_segment_live_label_id ON segment (label_id) WHERE deleted_us IS NULL;
CREATE INDEX ix_segment_parent_id ON segment (parent_id);
CREATE UNIQUE INDEX ix_change_operation ON change (operation);
CREATE INDEX ix_change_operations_of_video ON change (video_id, sequence, operation, undoes, redoes) WHERE operation IS NOT NULL;
CREATE INDEX ix_proposal_answer_video_id ON proposal_answer (video_id);
COMMIT;
