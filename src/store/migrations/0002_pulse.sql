-- Beats whenever something changes that trends are counted from, so that an answer can be given again while nothing has.
CREATE TABLE pulse (beats INTEGER NOT NULL) STRICT;
INSERT INTO pulse (beats) VALUES (0);

CREATE TRIGGER pulse_call_new AFTER INSERT ON call BEGIN UPDATE pulse SET beats = beats + 1; END;
CREATE TRIGGER pulse_call_gone AFTER DELETE ON call BEGIN UPDATE pulse SET beats = beats + 1; END;
CREATE TRIGGER pulse_call AFTER UPDATE OF
    team, agent, queue, started_at, state, deflected, ivr_deflected, pushed_back, outcome, request, opportunities,
    acknowledged, detour_ms ON call
BEGIN UPDATE pulse SET beats = beats + 1; END;
CREATE TRIGGER pulse_chain_new AFTER INSERT ON chain BEGIN UPDATE pulse SET beats = beats + 1; END;
CREATE TRIGGER pulse_chain_gone AFTER DELETE ON chain BEGIN UPDATE pulse SET beats = beats + 1; END;
CREATE TRIGGER pulse_chain AFTER UPDATE ON chain BEGIN UPDATE pulse SET beats = beats + 1; END;
CREATE TRIGGER pulse_deflection_new AFTER INSERT ON deflection BEGIN UPDATE pulse SET beats = beats + 1; END;
CREATE TRIGGER pulse_deflection_gone AFTER DELETE ON deflection BEGIN UPDATE pulse SET beats = beats + 1; END;
CREATE TRIGGER pulse_deflection AFTER UPDATE ON deflection BEGIN UPDATE pulse SET beats = beats + 1; END;
CREATE TRIGGER pulse_team AFTER UPDATE OF name ON team BEGIN UPDATE pulse SET beats = beats + 1; END;
