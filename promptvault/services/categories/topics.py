"""The topics of the rules, and the words that indicate them.

Words are in English, German, French and Spanish, in lower case and without accents.
A trailing '*' matches any word with that prefix; an entry of several words is joined
by '_'.
"""

from typing import NamedTuple


class Topic(NamedTuple):
    """A folder, and the words that indicate it."""

    folder: str
    also: str
    """Other names of the folder that a vault may use already."""
    strong: str
    """Words of which one decides."""
    good: str
    """Words of which two decide."""
    weak: str
    """Words that indicate little alone."""
    tags: str = ""
    """Words that become tags."""


TOPICS = (
    Topic(
        "coding",
        "code programming development dev software programmieren entwicklung"
        " programmation developpement programacion desarrollo",
        "refactor* stacktrace stack_trace python javascript typescript java kotlin"
        " golang c++ c# php django flask fastapi nodejs node_js pytest unit_test"
        " unit_tests unittest docker dockerfile kubernetes regex regular_expression"
        " github pull_request code_review codebase debug* bash_script shell_script"
        " api_endpoint rest_api graphql programmier* quellcode codigo depura*"
        " debogu* css html merge_conflict source_code backend frontend npm webpack"
        " segfault mypy type_hints ci_pipeline binary_search",
        "code bug bugs api script scripts developer software commit terminal linux"
        " bash json xml yaml framework library package exception funktion"
        " fonction_qui funcion_que fehlermeldung edge_cases programmer"
        " softwareentwickl* logiciel senior_engineer rebase component server rust"
        " react compil* angular algorithm git kompilier* linter readme deploy"
        " pipeline loop recursion docstring",
        "function class method error variable array engineer tests repository",
        "python javascript typescript java kotlin rust php react docker git regex"
        " css html bash kubernetes django",
    ),
    Topic(
        "writing",
        "text texts texte schreiben ecriture redaction escritura creative",
        "short_story short_stories poem poems poetry proofread* blog_post"
        " blog_article haiku sonnet screenplay copyedit* gedicht gedichte"
        " kurzgeschichte aufsatz korrekturles* rechtschreib* poeme"
        " nouvelle_litteraire orthographe cuento poema novela ensayo ortografia"
        " ghostwrite* songtext",
        "grammar grammatik grammaire gramatica rewrite story chapter paragraph"
        " character plot dialogue formal tone style blog article draft geschichte"
        " kapitel umschreib* umformulier* artikel reformul* histoire chapitre"
        " reescrib* historia rephrase paraphrase spelling wording opening_lines"
        " strophen verse novel novels fiction lyrics essay essays dissertation"
        " manuscript speech poetic",
        "write text schreibe schreib ecris redige escribe sentence words",
    ),
    Topic(
        "email",
        "emails mail mails e-mail correspondence correo courriel",
        "email emails e_mail e_mails courriel correo_electronico newsletter_email"
        " subject_line betreffzeile out_of_office",
        "reply subject inbox recipient antworte betreff follow_up objet"
        " destinataire asunto mail mails",
        "polite politely freundlich hoflich polie cordial write draft",
    ),
    Topic(
        "translation",
        "translate translations ubersetzung ubersetzungen traduction traduccion"
        " languages",
        "translat* ubersetz* traduis traduire traduisez traduction traduce traducir"
        " traduccion traduzca traductor how_do_you_say",
        "into_english into_german into_french into_spanish ins_deutsche"
        " ins_englische ins_franzosische ins_spanische en_anglais en_francais"
        " en_espagnol al_ingles al_espanol al_frances interpreter localize localise"
        " localization",
        "english german french spanish japanese polish language natural",
    ),
    Topic(
        "data",
        "analysis analytics data-analysis daten donnees datos statistics excel",
        "sql pandas spreadsheet* vlookup dataset datasets data_frame data_frames"
        " dataframe dataframes dashboard data_analysis data_set regression_analysis"
        " statistical_test power_bi tableau_software postgres* mysql numpy"
        " tabellenkalkulation hoja_de_calculo tableur google_sheets hypothesis_test"
        " standard_deviation",
        "statistic* statistisch* statistique* estadistic* query queries database"
        " datenbank base_de_donnees base_de_datos chart plot kpi kpis median"
        " correlation cells columns formula formel formule outlier outliers excel"
        " pivot* csv",
        "data daten donnees datos table average samples rows visuali*",
        "sql excel pandas csv",
    ),
    Topic(
        "learning",
        "education study teaching lernen schule apprendre aprender school",
        "flashcard* study_plan lesson_plan exam_questions quiz_me karteikarte*"
        " lernplan unterricht* explain_it_to_me like_i_m_five year_old_could"
        " homework hausaufgabe* lycee fiche_de_revision plan_de_estudio eselsbrucke*"
        " mnemonic* curriculum syllabus teach_me",
        "explain_to exam exams lecture student students teacher quiz learn learning"
        " study lesson prufung klausur schuler lehrer lernen examen eleve cours"
        " estudiante aprender erklare_mir explique_moi explicame ten_year_old"
        " five_year_old beginner_s_guide simple_terms einfach textbook semester"
        " worksheet tutor",
        "explain example beispiel exemple ejemplo understand concept university teach",
    ),
    Topic(
        "marketing",
        "ads social-media content seo advertising werbung publicite publicidad",
        "seo slogan slogans tagline* instagram tiktok google_ads facebook_ads"
        " ad_copy social_media landing_page meta_description buyer_persona"
        " target_audience werbetext* redaktionsplan content_calendar call_to_action"
        " product_launch reseaux_sociaux redes_sociales brand_voice copywriting"
        " hashtag* value_proposition press_release newsletter_campaign",
        "campaign kampagne campagne brand marke linkedin captions headline"
        " headlines conversion publication audience advertis* werbung customers"
        " channels messages influencer newsletter click_through positioning"
        " publicite publicidad marketing zielgruppe*",
        "post posts product produkt produit producto launch announce",
    ),
    Topic(
        "career",
        "job jobs work-life application applications karriere bewerbung carriere"
        " emploi empleo carrera hr",
        "resume_to cover_letter job_description job_interview interview_questions"
        " curriculum_vitae bewerb* anschreiben lebenslauf vorstellungsgesprach"
        " lettre_de_motivation mon_cv my_cv my_resume entretien_d_embauche"
        " entrevista_de_trabajo carta_de_presentacion hiring_manager"
        " performance_review my_career job_search",
        "interview candidate candidature cv resume gehalt position career"
        " linkedin_profile entrevista employer arbeitgeber stelle job_offer"
        " promotion junior salary recruiter* gehalts*",
        "job role manager experience stellenanzeige profile negotiate",
    ),
    Topic(
        "travel",
        "trips reisen reise voyage voyages viajes vacation urlaub",
        "itinerary itineraire itinerario road_trip reiseplan reiseroute sightseeing"
        " vacaciones flights backpacking packing_list packliste city_trip"
        " stadtereise airbnb things_to_do_in",
        "trip trips flight flug vol_pour vuelo route sights tourist museum"
        " neighbourhood sehenswurdigkeiten wochenende hiking pack visa airport"
        " hostel beach strand plage playa hors_des_sentiers_battus trains travel*"
        " reise reisen hotel hotels hoteles voyage voyager viaje viajar vacation"
        " urlaub vacances visum",
        "day days tage jours dias kids city guide train stops weekend",
    ),
    Topic(
        "health",
        "fitness wellness sport gesundheit sante salud medical",
        "workout* medita* fitness trainingsplan gesundheit* blood_test blutwert*"
        " yoga physiotherap* mindfulness halbmarathon half_marathon ubungen_gegen"
        " mal_de_dos etirements insomnia strength_training calories weight_loss"
        " knee_pain back_pain",
        "exercise exercises pain sleep stress doctor arzt medecin medico dumbbells"
        " marathon running muscle nutrition deficiency vitamin schlaf schmerzen"
        " sommeil dormir therapy anxiety habit health healthy stretching symptom*"
        " diagnos* medication douleur* dolor_de sintoma* rutina_de ejercicios"
        " protein headache kopfschmerz* fieber fever",
        "weekly beginner week body knee relax",
    ),
    Topic(
        "cooking",
        "recipes recipe food kochen rezepte cuisine recettes cocina recetas",
        "recipe recipes rezept* recette* receta* meal_plan zutaten ingredientes"
        " backen kochen cuisiner cocinar simmer saute* roast_a oven_temperature"
        " sourdough leftovers what_can_i_cook",
        "cook cooking soup chicken cake kuchen dish gericht plat dinner abendessen"
        " vegetarian vegan eggs sauce pancakes pasta spinach butter* onion onions"
        " oven dough teig shopping_list tortilla substitute gluten* ingredient* bake"
        " baking",
        "meal kitchen taste roast week minutes temperature",
    ),
    Topic(
        "legal",
        "law contracts recht vertrage droit juridique derecho contratos",
        "non_disclosure nda gdpr dsgvo rgpd privacy_policy terms_of_service"
        " terms_and_conditions lease_agreement klausel* clausula* vertrag*"
        " arbeitsvertrag mietvertrag bailleur lawsuit copyright_law"
        " datenschutzerklarung impressum cease_and_desist power_of_attorney"
        " german_law contract_law legal_advice",
        "contract agreement clause clauses legal law lawyer tenant landlord"
        " liability anwalt gesetz paragraf avocat loi abogado ley binding"
        " obligations compliance contrat contrato jurisdiction unwirksam* juridi*"
        " contrat_de contrato_de sick_leave kundigung* evict*",
        "terms rights policy rechte risky review",
    ),
    Topic(
        "image",
        "images pictures art bilder midjourney illustration imagen imagenes",
        "midjourney stable_diffusion dall_e photorealistic watercolor_painting"
        " bokeh golden_hour cinematic_lighting highly_detailed olgemalde"
        " generate_an_image image_of_a erstelle_ein_bild genera_una_imagen"
        " genere_une_image volumetric_light* octane_render digital_art concept_art"
        " 85mm 50mm 35mm soft_light studio_lighting image_prompt peinture_a_l_huile"
        " vector_logo oil_painting dramatic_light",
        "watercolor painting portrait illustration logo isometric anime cyberpunk"
        " lens white_background flat_design photograph render aquarell* dragon"
        " origami minimalist pastel photo_of background vector 4k 8k lighting"
        " logo_for",
        "image bild imagen style light colors colours detailed design",
    ),
    Topic(
        "finance",
        "money budget finances finanzen finances-personnelles finanzas investing",
        "mortgage household_budget etf etfs mutual_fund* index_fund* income_tax"
        " cash_flow haushaltsplan geld_sparen steuererklarung hypothek* aktien*"
        " retirement_savings savings_account* portfolio_of_stocks epargne hipoteca"
        " impuestos ahorr* balance_sheet profit_and_loss student_loan",
        "budget tax taxes steuer steuern interest loan kredit debt debts dettes"
        " schulden deudas salaire savings retirement deduct stocks fund rembours*"
        " zinsen finan* expenses ausgaben forecast accounting buchhaltung invest*"
        " dividend* bilanz* impots invoice rechnung*",
        "money geld argent dinero cost month monthly pay price percent",
    ),
)
