BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
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
INSERT INTO "annotation_import" VALUES(1,1,'t','coin.json','coin',2,1795205349431932,NULL);
CREATE TABLE change (
	sequence INTEGER NOT NULL, 
	project_id INTEGER NOT NULL, 
	video_id INTEGER, 
	action TEXT NOT NULL, 
	detail JSON NOT NULL, 
	at_us BIGINT NOT NULL, 
	CONSTRAINT pk_change PRIMARY KEY (sequence), 
	CONSTRAINT fk_change_project_id FOREIGN KEY(project_id) REFERENCES project (id), 
	CONSTRAINT fk_change_video_id FOREIGN KEY(video_id) REFERENCES video (id)
);
INSERT INTO "change" VALUES(1,1,NULL,'add labels','{"label_set":"steps","added":["add sugar","add salt","add milk"],"returned":[]}',1795205349387604);
INSERT INTO "change" VALUES(2,1,NULL,'set splits','{"before":{"kitchen/make_tea.mp4":null,"kitchen/make_juice.mp4":null,"kitchen/make_toast.mp4":null},"after":{"kitchen/make_tea.mp4":"train","kitchen/make_juice.mp4":"val","kitchen/make_toast.mp4":"test"}}',1795205349395198);
INSERT INTO "change" VALUES(3,1,1,'set goal','{"before":"","after":"make tea"}',1795205349400748);
INSERT INTO "change" VALUES(4,1,1,'save segments','{"segments":[{"before":null,"after":{"id":"e2c59703-c984-4467-8ea8-65799ec7b452","start_us":1000000,"end_us":3000000,"label_id":1,"track":"","kind":"interval","source":"human","confidence":null,"note":"gr\u00f6\u00dfer als ''1; DROP TABLE''","version":1,"deleted":false,"label":"add sugar"}},{"before":null,"after":{"id":"5102253e-2feb-40fa-8c0e-c4c466aa8626","start_us":4000000,"end_us":6000000,"label_id":2,"track":"","kind":"interval","source":"human","confidence":null,"note":"","version":1,"deleted":false,"label":"add salt"}},{"before":null,"after":{"id":"3f6e74ce-3590-4451-8e3a-77dd8cf3a413","start_us":6000000,"end_us":7000000,"label_id":null,"track":"","kind":"ignore","source":"human","confidence":null,"note":"","version":1,"deleted":false,"label":null}}]}',1795205349410353);
INSERT INTO "change" VALUES(5,1,1,'save segments','{"segments":[{"before":{"id":"e2c59703-c984-4467-8ea8-65799ec7b452","start_us":1000000,"end_us":3000000,"label_id":1,"track":"","kind":"interval","source":"human","confidence":null,"note":"gr\u00f6\u00dfer als ''1; DROP TABLE''","version":1,"deleted":false,"label":"add sugar"},"after":{"id":"e2c59703-c984-4467-8ea8-65799ec7b452","start_us":1000000,"end_us":3000000,"label_id":1,"track":"","kind":"interval","source":"human","confidence":null,"note":"gr\u00f6\u00dfer als ''1; DROP TABLE''","version":2,"deleted":true,"label":"add sugar"}}]}',1795205349419213);
INSERT INTO "change" VALUES(6,1,2,'import segments','{"import":1,"source":"coin.json","segments":[{"id":"0e535393-92d5-4579-99ba-a0c4a05ecfef","label_id":3,"start_us":0,"end_us":2000000,"track":"","kind":"interval","source":"import","confidence":null,"note":"","version":1,"label":"add milk"}]}',1795205349435037);
INSERT INTO "change" VALUES(7,1,3,'import segments','{"import":1,"source":"coin.json","segments":[{"id":"b12f2c1b-b88b-48e3-9e6f-25fe6b7d8888","label_id":2,"start_us":0,"end_us":1000000,"track":"","kind":"interval","source":"import","confidence":null,"note":"","version":1,"label":"add salt"}]}',1795205349435039);
INSERT INTO "change" VALUES(8,1,NULL,'archive label','{"label_set":"steps","id":3,"label":"add milk","archived":true}',1795205349443509);
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
INSERT INTO "job" VALUES(1,1,'train','{"epochs":3}','DONE','cpu',0,4242,1.5,1,NULL,1795205349462214,1795205349451126,1795205349454199,1795205349470149,0,NULL,'{"done":1,"total":10,"message":"training","values":{"loss":0.5}}','{"steps":10}');
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
INSERT INTO "label_set" VALUES(1,1,'steps',2,1795205349382241);
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
INSERT INTO "prediction" VALUES(1,1,'runs/1/predictions/a.safetensors',240,4.8,1.0,1.0,1795205349485796);
CREATE TABLE project (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	settings JSON NOT NULL, 
	created_us BIGINT NOT NULL, 
	CONSTRAINT pk_project PRIMARY KEY (id), 
	CONSTRAINT uq_project_name UNIQUE (name)
);
INSERT INTO "project" VALUES(1,'kitchen','{}',1795205349347858);
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
INSERT INTO "run" VALUES(1,1,1,'nano-1','gad','online','nano','text','','','{}','runs/1','ready','ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',1,1,1795205349477253);
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
CREATE TABLE segment (
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
	CONSTRAINT pk_segment PRIMARY KEY (id), 
	CONSTRAINT ck_segment_labelled CHECK (kind = 'ignore' OR label_id IS NOT NULL), 
	CONSTRAINT ck_segment_span CHECK (start_us >= 0 AND end_us > start_us), 
	CONSTRAINT fk_segment_import_id FOREIGN KEY(import_id) REFERENCES annotation_import (id), 
	CONSTRAINT fk_segment_label_id FOREIGN KEY(label_id) REFERENCES label (id), 
	CONSTRAINT fk_segment_video_id FOREIGN KEY(video_id) REFERENCES video (id)
);
INSERT INTO "segment" VALUES('e2c59703-c984-4467-8ea8-65799ec7b452',1,1,1000000,3000000,'','interval','human',NULL,'größer als ''1; DROP TABLE''',NULL,2,1795205349418366,1795205349409135,1795205349418823);
INSERT INTO "segment" VALUES('5102253e-2feb-40fa-8c0e-c4c466aa8626',1,2,4000000,6000000,'','interval','human',NULL,'',NULL,1,NULL,1795205349409752,1795205349409753);
INSERT INTO "segment" VALUES('3f6e74ce-3590-4451-8e3a-77dd8cf3a413',1,NULL,6000000,7000000,'','ignore','human',NULL,'',NULL,1,NULL,1795205349410069,1795205349410070);
INSERT INTO "segment" VALUES('0e535393-92d5-4579-99ba-a0c4a05ecfef',2,3,0,2000000,'','interval','import',NULL,'',1,1,NULL,1795205349432986,1795205349432986);
INSERT INTO "segment" VALUES('b12f2c1b-b88b-48e3-9e6f-25fe6b7d8888',3,2,0,1000000,'','interval','import',NULL,'',1,1,NULL,1795205349432986,1795205349432986);
CREATE TABLE statistic (
	"key" TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	value JSON NOT NULL, 
	created_us BIGINT NOT NULL, 
	CONSTRAINT pk_statistic PRIMARY KEY ("key")
);
INSERT INTO "statistic" VALUES('c78d31b1b1f9493e232961f93ed28e974dcf902c637862e3cb74ae29c7e78cf2','confusion','{"n":3}',1795205349501914);
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
INSERT INTO "video" VALUES(1,1,'kitchen/make_tea.mp4','/videos/kitchen/make_tea.mp4','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1000,1,60000000,640,360,0,0,'',25.0,NULL,'','good','',NULL,NULL,NULL,'train','make tea',2,0,1795205349360644);
INSERT INTO "video" VALUES(2,1,'kitchen/make_juice.mp4','/videos/kitchen/make_juice.mp4','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',1000,1,60000000,640,360,0,0,'',25.0,NULL,'','good','',NULL,NULL,NULL,'val','',1,0,1795205349360646);
INSERT INTO "video" VALUES(3,1,'kitchen/make_toast.mp4','/videos/kitchen/make_toast.mp4','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',1000,1,60000000,640,360,0,0,'',25.0,NULL,'','good','',NULL,NULL,NULL,'test','',1,0,1795205349360648);
CREATE INDEX ix_video_content_hash ON video (content_hash);
CREATE INDEX ix_annotation_import_project_id ON annotation_import (project_id);
CREATE INDEX ix_segment_import_id ON segment (import_id);
CREATE INDEX ix_segment_live_label_id ON segment (label_id) WHERE deleted_us IS NULL;
CREATE INDEX ix_segment_live_video_id_start_us ON segment (video_id, start_us) WHERE deleted_us IS NULL;
CREATE INDEX ix_change_video_id ON change (video_id);
CREATE UNIQUE INDEX ix_job_one_running_per_slot ON job (slot) WHERE state IN ('RUNNING', 'STOPPING');
CREATE INDEX ix_job_project_id ON job (project_id);
CREATE INDEX ix_job_queue ON job (state, slot, priority);
CREATE INDEX ix_run_job_id ON run (job_id);
CREATE INDEX ix_prediction_video_id ON prediction (video_id);
CREATE INDEX ix_statistic_kind ON statistic (kind);
COMMIT;
