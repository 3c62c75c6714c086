"""The vocabulary of retrieval: what people say for the things that descriptions of tools name.

General words of whole fields only: an entry for one tool or one query would make every measurement a lie.
"""

# Words that tell nothing about what somebody wants.
STOP = """
a able about after again all also am an and any are around as ask asks at be because been before being but by can could
d did do does doing don done else ever few for from get gets getting give go going got had has have having he help her
here hers hey hi him his how i if in into is isn it its just let like ll m made many may maybe me might mine more most
much must my need needs no not now of off ok on one only or other our out over own please put re really s same she
should show so some somebody someone something such sure t tell than thank thanks that the their them then there these
they thing things this those to too tool tools skill up us use used using ve very want wants was we well were what whats
when where whether which while who whom whose why will with within without would yes you your yours
"""

# What people write as a sign, and the cue that it is.
SIGNS = (
    (r"\d ?[+*^\u00d7\u00f7=] ?\(*\d|\d [-/] \(*\d", "arithmetic"),
    (r"\d\s?%", "percent"),
    (r"\b\d{0,9}[a-z]\b(?=[^a-z]{0,20}=)|=[^a-z]{0,20}\b\d{0,9}[xyz]\b", "equation"),
    (r"https?://|\bwww\.|\b[a-z][\w-]{0,60}\.(?:com|org|net|io|edu|gov)\b", "url"),
    (r"[\w.]@\w+\.\w", "email"),
    (r"\b\w[\w-]{1,60}\.(?!com|org|net|edu|gov)[a-z]\w{1,3}\b(?!/)|(?<![\w/])[~.]{0,2}/\w+", "file"),
    (r"\*\.\w", "glob"),
    (r"\\[dwsb]\b|\[\^?\w-\w|\(\?[:=!<]", "regex"),
    (r"[$\u00a3\u20ac\u00a5]\s?\d", "currency"),
    (r"\b\d\d?(?::\d\d)?\s?[ap]\.?m\b|\b\d\d?:\d\d\b", "oclock"),
    (r"\b\d{4}-\d\d-\d\d\b", "date"),
    (r"\d\s?(?:kg|g|lbs?|oz|km|cm|mm|mi|ft|ml|m|[mgk]b|\u00b0?[cf]|mph|kph)\b", "unit"),
    (r"\b\d{2,}\s?[x\u00d7]\s?\d{2,}\b", "pixel"),
    (r"(?<!\S)#[a-z]", "channel"),
    (r"\b0x[0-9a-f]", "hexadecimal"),
    (r"\b\d{1,3}(?:\.\d{1,3}){3}\b", "network"),
)

# A topic a line, `heads: cues`. A record belongs to a topic by a head in its name or description, a query by a head or
# a cue. With synonyms in both directions much less was found: people's words are more ambiguous than descriptions' are.
# An underscore joins the words of a phrase.
TOPICS = """
calculate calculator compute arithmetic mathematical: math maths sum plus minus times add_up adds_up multiply divide \
divided subtract percent percentage total tip vat discount square squared root sqrt power exponent evaluate \
how_much_is work_out split_between split_the_bill interest fraction per_person half_of product_of factorial \
logarithm modulo remainder computation arithmetic_expression take_away away_from halve halved double doubled triple \
our_share each_pay of_us evenly altogether in_total increase_by decrease_by profit margin gross net twice cube sine \
cosine tangent result_of do_the_math number_crunching comes_to pay_each what_percentage per_cent markup average_of \
salary dozen more_than less_than spending left_of compound_interest how_much_is_left remaining after_tax before_tax \
rounded round_to times_as sum_of difference_of bigger_than subtotal installments
equation algebra symbolic derivative calculus solve: differentiate integral integrate polynomial formula unknown \
unknowns quadratic linear solution simplify factorise factor roots system find_x solve_for variable for_which_x \
equals both_sides unknown_value limit_of differential derive slope simultaneous isolate inequality minimum_of
statistics mean median deviation statistical: average variance quantile percentile correlation regression outlier \
distribution significance sample std spread range_of typical z_score p_value confidence_interval t_test \
how_many_on_average
number integer decimal numeric: digit digits value
base radix: binary hexadecimal hex octal bits decimal roman in_base to_base notation base_2 base_16 base_8 \
ones_and_zeros from_binary to_binary from_hex to_hex base_two
sort order: alphabetical alphabetically alphabetize rank arrange ascending descending a_to_z z_to_a sorted reverse \
in_order put_in_order by_name comes_first from_a alphabet ordering oldest smallest_first largest_first arrange_these \
in_sequence
count frequency occurrence occur: tally how_many how_often number_of times contain contains letter letters character \
appear appears occurs vowels counting occurrences instances times_does number_of_letters how_frequently \
letter_frequency more_than_once same_letter how_many_words word_count length_of_this
letter character: vowel vowels spelled how_many_letters
search find look query: locate seek discover lookup look_for look_up where_is hunt
web internet online: search_engine look_up_online google googling bing duckduckgo website site surf find_out latest \
recent who_won reviews best current check_online up_to_date newest recommend who_is_the who_is_currently price_of \
opening_hours how_to on_the_web find_out_about any_information latest_version what_do_people released release_date \
tutorial
fetch download retrieve crawl: pull scrape grab web_page webpage this_page the_page link url article website \
what_does_this as_markdown page_say content_of read_the site behind_this read_this_page text_of_the_page \
text_on_the_page contents_of_the html raw_html grab_the behind_the_link blog_post
url link webpage web_page: website http https site address page href article domain homepage
api rest endpoint http: request post payload webhook curl header headers json patch call status_code graphql server \
token endpoints bearer response send_a_post oauth status ping_the backend
browser: press button tap login log_in sign_in website site page chrome firefox safari automate portal tab
navigate open load: go_to visit goto head_to bring_up homepage go_back launch take_me
click: press tap button link hit tick checkbox check_the_box select push toggle dismiss dropdown option menu radio \
submit expand collapse next_page close_the_popup popup icon second first_result cookie banner read_more \
follow_the_link
type_text editable_element types_text typing_text fill_form: fill_in fill_out enter field typed input textbox \
search_box username form into_the search_bar text_box enter_my enter_the hit_enter hit_return press_enter log_in_as \
password_field textarea email_field write_into credentials log_in_with user_name comment_box write_in_the in_the_box \
into_the_field the_form the_box password_into with_user fill_the fill_out_the
screenshot capture: screen snapshot grab snap how_it_looks looks_like picture_of visible screen_grab print_screen \
how_does_it_look page_as_image show_me_the_page full_page did_the_page render rendered let_me_see_it see_the_page \
show_me_how how_does_the_page
file path: filename document disk doc txt documents saved attachment
folder directory subdirectory directories: list_files files tree structure what_files which_files what_is_in dir ls \
inside_the contents_of in_this_folder folders what_s_in whats_in how_big sizes newest_file downloads desktop \
which_files_are
read reader reading view contents: open display cat see look_at look_into print first_lines inside what_does \
what_is_in what_s_in whats_in head lines_of between_lines source_of let_me_see show_me first_line last_lines \
beginning_of end_of
write writer save store overwrite: create create_a keep new_file put_into save_it save_this dump output export \
put_the_following new_document text_file persist put_this called create_file
edit editing replace replacement modify patch: change rename update alter substitute swap correct fix_the tweak \
amend instead_of become must_say should_say typo in_the_file heading_of set_the change_the change_from line_in \
rename_the insert_a_line remove_the_line uncomment paragraph occurrence_of
delete remove erase: drop clear clean trash rid get_rid wipe throw_away discard uninstall wipe_out do_away
move rename copy: transfer duplicate relocate duplicate_the make_a_copy copy_of put_it_in somewhere_else
glob name_pattern: file_called named files_named where_is_the_file filename ending extension all_files every_file \
wildcard find_the_file files_ending every all_the extensions find_all files_with files_that recently_modified newest \
log_files png jpg csv_files tree somewhere locate called_something any_file file_named subfolders
file_contents matching_lines grep ripgrep pattern: mention mentions mentioned occurs occurrences where_is appears \
appears_in contain used_in codebase code_base everywhere all_places which_file which_files defined called todo \
search_for search_the in_the_code in_the_source usages where_in do_we_use is_used references_to reference lines_that \
occurrences_of imports_of deprecated which_lines string_in find_the_string source_files the_word_in mention_the \
mentions_the lines_with lines_containing usage_of
upload share drive: cloud dropbox sync attach
backup restore: recover lost snapshot undo get_it_back bring_back roll_back earlier_version deleted_by_accident
execute run command script: program launch start
shell bash terminal: console command npm pip install apt brew linux unix script chmod process processes sudo compile \
build make disk_space environment_variable cron kill running command_line ssh port listening service daemon \
version_installed is_installed permissions cli memory_usage disk free_space package packages node background_job \
kernel symlink
python interpreter sandbox: script program code snippet pandas numpy scipy matplotlib notebook simulate simulation \
regression function loop monte_carlo fit analyse analyze plot algorithm dataframe py prime primes script_that \
small_program matrix random_walk statistics standard_deviation probability estimate compute evaluate_this_code \
code_snippet group_by csv_with
javascript node: js typescript npm script browser_console
code source codebase: program programming function variable class refactor implement developer snippet
regular regex: match matching matches capture_group groups expression pattern regexp doesn_t_match does_not_match \
why_doesn pattern_for string_match validation_pattern test_my_pattern lookahead backreference
database sql relational: table tables row rows records select postgres postgresql mysql sqlite db registered \
signed_up orders customers users_who join where_clause stored revenue sold bought how_many_customers how_many_users \
how_many_orders how_many_products last_quarter per_customer by_region which_customers which_products ordered \
warehouse count_of per_country average_order users_table orders_table in_the_table average by_country by_month \
grouped group_by active_users products signups inventory highest_paid
query select statement rows: how_many list_all top_ten biggest highest how_many_customers bought revenue sold \
per_month last_month average count_of per_country users_table orders_table in_the_table customers orders signups
insert row record: append entry
schema columns tables: column field fields structure structured keys foreign_key primary_key describe data_model \
which_tables what_tables which_columns what_columns table what_fields primary_keys data_types relationships \
layout_of what_does_the_table foreign
email mail mailbox e_mail: inbox mailed mails letter message write_to wrote reply gmail outlook sender recipient \
send_to email_address cc attachment subject_line correspondence
send email: mail_this mail_the mail_it let_know send_a send_the tell_him tell_her tell_them write_to inform forward \
attach attachment attached reply_to message_to has_to_reach email_address cc drop_a_line late_for forward_the \
e_mail_to mail_to write_an_email write_a_mail send_him send_her send_them email_him email_her email_the invite_by \
a_line a_note_to notify_my tell_my let_my inform_the inform_my apologise_to invite_to reply_to_the offer respond_to \
answer_to write_back_to email_to
inbox mailbox imap mails: unread received wrote write_back wrote_back got_any any_mail any_message reply_from \
email_from mail_from message_from messages_from from_my did_anyone answered sent_me write_me new_mail new_messages \
letter_from newsletter confirmation unanswered answer_me answered_me heard_from booking_confirmation find_the_mail \
find_the_email mails_about emails_about any_news_from from_the_bank hear_back back_to_me write_about wrote_about \
say_about said_about mail_about email_about message_about get_a_reply have_i_received confirm confirmation_from \
last_message last_email latest_email
draft reply: answer respond response compose prepare
calendar event meeting: appointment schedule agenda invite reschedule busy monday tuesday wednesday thursday friday \
saturday sunday diary lunch_with dentist call_with meet planned free dinner_with coffee_with catch_up doctor_s noon \
o_clock oclock afternoon evening next_week workshop
create add schedule_event: book_a_meeting set_up_a put_in_my block_out arrange_a lunch_with dinner_with coffee_with \
dentist block put_on_my into_my_calendar in_my_calendar on_my_calendar into_my_schedule new_appointment oclock \
enter_my my_holiday my_vacation set_up_a_call set_up_a_meeting put_a_meeting make_an_appointment move_my add_to_my \
save_the_date pencil_in
availability events_between list_events free slot: available am_i_free busy do_i_have what_is_on what_s_on my_day \
my_week agenda anything_on have_time tomorrow this_week next_week booked planned upcoming anything_planned \
have_anything when_is_my when_do_i next_meeting first_meeting schedule_look calendar_look clash conflict \
double_booked afternoon_free on_the
attendee attendees invite: meeting appointment schedule book set_up
cancel: call_off abort stop revoke do_not_renew unsubscribe
remind reminder notify notification alarm: alert forget let_me_forget don_t_let ping_me nudge wake wake_me \
in_an_hour minutes_from tomorrow_morning tell_me_when tell_me_at remember_to do_not_forget buzz tell_me_in \
tell_me_to minutes_time in_minutes later_today oclock in_two_hours every_morning wake_up heads_up
timer countdown: alarm wake stopwatch minutes minutes_countdown egg pomodoro count_down
chat channel slack thread: discord teams team dm post announce tell_the_team let_the_team message everyone_in \
reply_in colleagues direct_message everyone tell_everyone write_in_the group_chat notify_the_team
post message: announce tell_the let_the share_in write_in
translate translation translator: english german french spanish italian japanese chinese russian portuguese korean \
arabic dutch polish turkish greek swedish danish norwegian finnish hindi ukrainian czech latin foreign in_english \
into_english how_do_you_say how_do_i_say say_in another_language bilingual hebrew thai vietnamese indonesian \
romanian hungarian farsi persian urdu swahili catalan mandarin cantonese croatian serbian icelandic welsh irish \
tagalog malay bulgarian would_say in_their_language spaniard frenchman mother_tongue native_speakers from_english \
to_english localise localize
language detect_language: tongue written_in which_language what_language what_tongue language_is_this \
identify_the_language
summarize summary condense summarizer: gist shorten digest tldr tl_dr brief overview long main_points key_points \
sum_up in_short boil_down nutshell short_version in_a_nutshell essence most_important_points in_few_words \
three_sentences takeaways too_long
grammar spelling proofread spell: typo typos punctuation misspell misspelled mistake mistakes wording correct essay \
language_errors commas correct_my well_written punctuated language_check grammatically is_this_correct sounds_wrong \
proof_read read_through
rewrite rephrase paraphrase: tone formal polite wording simpler reword friendlier reformulate sound_better \
say_it_better more_professional less_formal make_it_shorter shorter_version politely
dictionary definition definitions synonym synonyms thesaurus etymology: mean meaning means define pronounce \
pronounced another_word word_for other_words comes_from origin_of antonym the_term spelled opposite synonym_for \
what_does_it_mean explain_the_word define_the vocabulary plural adjective noun verb meaning_of what_is_the_meaning \
how_is_it_spelled
speech voice aloud spoken_audio tts: say loud out_loud speak spoken audio listen sound pronounce narrate narration \
read_to_me read_it_to hear voiceover voice_over recording mp3 audiobook let_me_hear
synthesise voices aloud natural_sounding: read_aloud read_out read_to read_this_to out_loud narrate narration listen \
voiceover voice_over audiobook hear say let_me_hear hear_this say_this vocal robot_voice female_voice male_voice \
spoken_version recite
transcribe transcript transcription recording spoken: subtitle subtitles captions dictation dictate audio podcast \
was_said is_said they_said he_said she_said who_said interview voice_memo voicemail speech_recognition lecture \
write_down in_writing type_up text_of wav m4a mp3 spoken_word write_out written_record text_from_the_recording \
text_version voice_message spoken_words audio_file speech_to_text word_for_word verbatim who_is_speaking
subtitles youtube: transcript captions video clip talk what_is_said watch lecture vlog what_do_they_say video_about \
this_video the_video
image picture photo: photograph photos illustration drawing painting png jpeg jpg logo graphic artwork draw paint \
webp pic selfie snapshot pictures images snap
generate generator generates diffusion image_generator: create make draw paint illustrate illustration illustrated \
design produce imagine picture_of drawing_of painting_of cartoon sketch artwork artistic cover_art logo image_of \
poster wallpaper render watercolour concept_art avatar visual render_a a_picture_with icon banner mascot portrait \
hero_image background_image generate_a
resize crop scale pixel: smaller larger bigger shrink enlarge thumbnail pixels cut width height square downscale \
aspect convert_to_png jpg jpeg webp compress rotate rotates degrees avatar dimensions make_it_smaller \
smaller_picture to_a_square trim cropped fits file_size resolution reduce_the_size half_size banner profile_picture
rotate flip filter: turn_by degrees mirror upside
background: transparent cut_out
ocr recognise recognize handwritten scanned printed: optical scan scans receipt handwriting photo_of photographed \
digitise digitize letterhead text_in text_from text_off read_the_text business_card whiteboard scanned_page \
photo_say picture_say image_say sign label menu type_up photocopy screenshot_text old_letter words_in_the written_on \
writing_on copy_the_text plate serial_number
describe scenes caption picture_shows content_of_an_image visual vision: shown see_in visible in_this_picture \
in_this_photo in_this_image in_the_picture in_the_photo in_the_image what_is_in alt_text breed colour color wearing \
look_like identify recognise what_kind which_animal who_is_in standing diagram going_on_in happening_in \
how_many_people what_is_this image_about tell_me_what_you_see look_at_this_picture see_in_the happens_in_the
video film: movie clip youtube watch footage recording mp4
gif animation animated: funny moving looping meme
audio sound: mp3 recording music podcast wav
weather forecast precipitation: temperature rain raining rainy windy wind sunny sun snow snowing umbrella cloudy hot \
cold warm storm humidity outside outdoors coat jacket degrees_outside freezing thunderstorm heat sunscreen wet dry \
how_cold how_warm how_hot bike_to picnic weekend tomorrow sunglasses gloves boots scarf t_shirt heatwave frost \
thunder hail fog foggy drizzle clouds humid raincoat beach barbecue hike skiing blizzard pack_warm uv \
celsius_outside sunshine outside_tonight grill garden_party rainfall clear_skies
air quality pollution: breathe smog pollen asthma air_like breathing particulate fine_dust
sunrise sunset: dark dawn dusk daylight sun_rise sun_set sun_go_down sun_come_up first_light
latitude longitude geocode coordinate: gps location address where_exactly lat_long position_of gps_position
route directions direction map maps distance navigation: drive driving walk walking train bus far how_far navigate \
way_to way_from get_to get_from how_do_i_get how_long_does traffic cycle cycling bike by_car on_foot quickest_way \
fastest_way shortest commute travel_time from_here reach miles_from take_me_to get_there how_to_get walking_distance \
drive_from take_from how_long_is road walk_to motorway public_transport closest_route on_the_way how_far_is far_from
business businesses restaurant restaurants nearby point_of_interest points_of_interest places location: place shop \
store cafe coffee bar pharmacy pharmacies supermarket near closest nearest near_me around_here local food eat \
open_now opening_hours within_walking atm petrol gas_station hotel museum hairdresser dentist doctor where_can_i \
close_by bakery brunch pizza sushi gym playground parking bank hospital grocery laundromat bookshop open_late \
florist mechanic in_the_area within_a rated hotels
ride taxi: cab uber pick airport lift_to pick_me_up driver lyft
station transit timetable departure: train bus tram metro leave connection next_train next_bus last_train \
which_platform platform departs leaves delayed tube subway
currency exchange money: dollar dollars euro euros yen pound pounds franc francs rupee yuan sterling bucks usd eur \
gbp jpy chf cad aud forex rate worth how_much_is convert quid cents us_money swedish_krona krona kroner peso pesos \
real lira zloty won exchange_for into_dollars in_dollars in_euros in_pounds foreign_cash to_euros to_dollars baht \
shekel cost_in
unit units measure measurement imperial metric: kilogram kg kilo kilos gram grams mile miles km kilometre kilometres \
metre metres meter meters foot feet inch inches cm ounce ounces oz litre litres liter liters gallon gallons pint cup \
cups celsius fahrenheit lb lbs pound pounds stone acre hectare mph knots joule calories gigabyte megabyte mb gb tall \
heavy weigh yard yards how_tall psi convert how_hot_is fahrenheit_in height in_metres in_feet in_miles tablespoons \
teaspoon tablespoon nautical watts horsepower square_metres hectares fluid pints ton tons tonne tonnes in_inches \
in_grams
stock share shares ticker quote listed: trading market invest investment finance portfolio company worth trade \
traded nasdaq dow ftse dax etf fund index closing close_at stocks dividend doing_on_the_market closed_at \
stock_market market_cap up_today performing shareholders bull bear s_p stock_price share_price
cryptocurrency crypto: bitcoin ethereum coin token worth btc eth wallet blockchain
bank account transaction balance: money transfer spend spent how_much_money how_much_did_i_spend my_spending savings \
statement debit paid_for went_out wire
loan mortgage: borrow credit interest house month instalment monthly_payment repay repayment borrowing afford
tax: income owe vat deduct after_tax tax_return write_off
payment refund: pay money reimburse charge stripe money_back give_back charged overcharged chargeback
invoice bill: billing charge client owe paid unpaid outstanding overdue billed
shop product catalogue: buy purchase cheap cheapest price find shoes deal discount_on where_to_buy for_sale bargain \
gift present
cart shopping: buy purchase order add checkout basket order_some buy_me
order delivery shipment: parcel package shipping ship deliver tracking courier arrive arrived where_is_my_package \
my_package my_order my_parcel when_will_it_arrive on_its_way dispatched return_label
time clock current_time: hour timezone what_time the_time right_now today_s_date what_day current_date today_is \
date_today what_time_is_it time_in todays_date what_month what_year which_day_is_it day_is_it day_of_the_week \
how_late late_is_it current_hour
time_zone timezone time_zones timezones: what_time o_clock pm clock local_time utc gmt est pst cet zone hours_ahead \
hours_behind noon midnight when_is_that time_is_it abroad daylight_saving time_difference meeting_at call_at \
our_time their_time is_what_in my_time your_time east_coast west_coast gmt_plus same_time oclock if_it_is when_it_is \
in_local hours_difference bst ist jst
date days weeks interval: day week month year monday tuesday wednesday thursday friday saturday sunday today \
how_many_days days_until days_between how_long_until how_long_since how_old old age until ago since weeks_from \
days_from days_before days_after weeks_after weeks_before months_from born deadline birthday due business_days \
working_days workdays weekday which_weekday january february march april june july august september october november \
december christmas between leap anniversary from_now elapsed what_day_will day_will_it weeks_till till_christmas \
days_till fortnight quarter days_old weeks_away days_left weeks_left months_ago years_ago six_weeks later_than \
falls_on which_date what_date days_have new_year easter halloween days_apart
holiday: vacation christmas easter day_off public_holiday bank_holiday
paper papers scientific academic preprint preprints scholarly arxiv: publication publications published research \
journal study studies scholar literature citation science scientist abstract authors peer_reviewed findings \
latest_research on_arxiv machine_learning_papers articles_on work_on theorem who_published papers_about papers_on \
papers_by first_published published_on theory quantum neural research_on recent_work models
literature research synthesis survey_the_research citations: state_of_the_art related_work review thesis \
dissertation body_of_research what_is_known bibliography studies evidence_for overview_of_research papers_on \
overview_of_the_literature what_does_research research_say research_says survey_of prior_work compare_studies \
scientific_evidence consensus what_do_studies
encyclopedia wikipedia: fact facts background biography person history knowledge who_is who_was who_were what_is_a \
what_is_the_history invented inventor founded born capital population explain tell_me_about empire battle dynasty \
planet species war king queen president_of ancient composer when_was_born was_born died where_is_located \
general_knowledge what_are history_of biography_of life_of
news headline headlines publishers: happen happened happening latest event world going_on election breaking \
current_affairs press journalists report_on reported in_the_news newspapers newspaper papers_write coverage \
what_happened happened_in media reporting latest_on this_morning developments
sport football: score game match team won win league match_result final_score who_won_the_match standings champions \
olympics tennis basketball
film movie: actor played cinema watch cast series tv starring director directed what_to_watch episode season netflix
novel library author: book read isbn written_by novels what_to_read chapter
game play: chess win puzzle riddle trivia puzzle_me
git commit repository repo: branch blame author changed push stage staged revision check_in merge rebase vcs commits \
working_tree unstaged tag cherry_pick checkout clone version_control
commit_history log history: past previous historical ago earlier who_changed who_wrote who_touched last_touched \
last_changed who_last when_was recent_commits committed commits authored blame author introduced yesterday \
who_introduced introduced_this introduced_the was_committed last_commits history_of_the_file when_did_we changes_by \
line_was
staged commit: save_my_changes record_my check_in commit_this commit_my commit_the revision check_in_my \
save_progress wrap_up_my_changes with_the_message commit_message version_control save_my_work save_the_work \
the_changes_to_git
difference differences diff compare: change changes comparison changed what_changed modified different versions \
uncommitted between compared did_i_modify did_i_change differ since_the_last_commit compare_with local_changes \
what_is_different side_by_side
issue issues bug ticket: defect report problem jira feature_request file_a tracker github complain anyone_already \
already_reported known_issue known_bug existing has_anyone open_bugs similar_problem labelled labeled duplicate_of \
assigned_to open_pull_requests open_prs reported issue_about issues_about bug_about open_issues prs reported_before \
similar
create_issue open_issue new_issue open_a_new_issue: file_a_bug report_a_bug file_an_issue raise ticket \
feature_request log_a_bug file_a_ticket create_a_ticket open_a_ticket open_an_issue report_this write_a_bug \
request_a_feature feature maintainers let_the_maintainers tell_the_maintainers upstream bug_report complaint \
suggest_a
pull merge: branch pr submit merging open_a_pr send_my_changes
test tests testing: unit suite pytest verify coverage cover tested assertion mock mocks red_green tdd test_case \
test_cases cover_this
automated_test intermittently flaky: flake flakes sometimes intermittent sporadic sporadically nondeterministic \
random_failure fails_sometimes randomly unreliable rerun green red ci passes_locally once_in_a_while every_now_and \
once_in_a red_sometimes no_reason unstable passes_on_rerun nondeterminism race_condition without_any_change \
works_on_my
lint linter style: format formatting convention tidy_the_code pep8 code_style indentation unused_imports
container docker: image deploy deployment spin_up postgres redis nginx port ports launch bring_up boot mysql \
local_instance instance_of run_a_local image_locally mongodb with_port mounted volume rabbitmq elasticsearch
deploy deployment rollout: release ship production publish live push_to_production put_it_live roll_out go_live \
staging
kubernetes pod cluster kubectl: container deployment k8s crash crashed crashing crashloop restarted stdout stderr \
keep_restarting keeps_restarting namespace restarting pods oomkilled
server cloud virtual infrastructure: machine host aws azure vm instance reboot spin_up capacity
log logs trace: output crash crashed printed stdout stderr last_lines tail error_messages what_did_it_print \
stack_trace error_log log_file
metric monitoring: load latency spike dashboard slow performance cpu_usage how_is_the_server response_times \
requests_per uptime
incident outage postmortem post_mortem: down emergency production broken urgent went_down was_down root_cause \
retrospective lessons_learned what_went_wrong blameless downtime failure retro broke write_up site_was_down \
write_it_up outage_report what_happened_during timeline after_the_crash learn_from blame document_what last_night
network host ping: server reachable connection unreachable is_it_up up_or_down wifi latency packets can_t_connect \
cannot_connect
dns domain: website register resolve ip nameserver nameservers mx cname txt_record hostname a_record points_to \
ip_address registered mail_server mail_servers subdomain which_server what_ip hostname_point domain_point which_ip \
a_records name_server resolves resolve_to ip_of points_at who_hosts
certificate ssl tls: https expire secure_connection padlock expires
hash hashing digest digests checksum sha_256: md5 sha sha1 sha256 sha512 fingerprint integrity tampered verify_that \
unchanged identical corrupted intact checksums same_file checksum_of was_altered was_changed byte_for_byte \
compare_files
encrypt decrypt passphrase: secret protect cipher key encrypted decrypted lock unlock password_protect password \
confidential aes scramble unreadable protect_this protect_the with_a_password secure_this cannot_read only_i_can \
unlock_the sensitive_file keep_private encrypted_file
encode decode: encoding base64 b64 escape
identifier identifiers uuid: guid unique ids primary_keys guids unique_id unique_key guid_for random_id
password passwords credential: passphrase secure strong login_secret pin hard_to_guess guess unguessable secret \
memorable passcode login new_password random_string unbreakable wifi_password
random: dice roll die pick pick_one chance coin shuffle draw draw_a toss flip flip_a_coin winner raffle lottery \
lucky lots choose_one randomly either_or at_random by_chance two_dice choose_someone fair surprise_me arbitrary \
number_between sample choose_at throw heads_or_tails
archive compress compressed zip: tar gz tgz gzip bundle pack package zipped smaller pack_up pack_the put_into_a_zip \
smaller_to_send to_send zip_up as_a_zip compress_the tarball backup one_file
unpack extract_archive decompress: unzip untar extract gunzip 7z rar unarchive zipped decompressed open_the_zip \
inside_the_zip tarball open_up inside_this_zip contents_of_the_zip unpacked compressed_file expand decompress_the
json jq: parse nested structured payload valid key filter response field keys array element each_element \
nested_object get_the_field extract_the_field extract_from get_all select_from
yaml toml xml: config configuration settings_file config_file configuration_file
valid validate validation: check correct well_formed is_this_valid
html css: web page site markup web_design stylesheet
markdown: md html document
chart charts plot graph diagram histogram scatter: visualize visualise visualization trend draw bar_chart bar_graph \
pie curve line_chart line_graph show_graphically plotted over_time figure heatmap draw_a_line time_series bars \
visual_representation show_as scatter_plot chart_of plot_the graph_of distribution_of picture_of_the_data \
graphically
qr barcode qr_code: scannable scan scan_with phone_camera sticker scan_to scan_to_open phone_can wifi_code \
printable_code
sentiment emotion: mood opinion feeling angry happy upset positive negative how_do_customers_feel complaints like_it \
love hate tone_of reviews
classify category classifier: sort label assign kind tag which_category what_kind_of spam bucket group_these
entity entities named_entity: pull names mentioned information who_is_mentioned list_of_names people_and_places
similarity semantic embedding: similar related alike closest_to same_meaning resemble
sms mobile: text phone message text_him text_her text_my texting send_a_text
phone call: ring dial telephone call_my call_the phone_my give_a_call speak_to
contact contacts phone_number phone_numbers address_book: phone telephone number_of address email_address reach_him \
reach_her how_can_i_reach mobile postal lives_at where_does address_of s_number s_email s_address reach \
mobile_number get_hold aunt uncle how_can_i_contact lives live_at home_address get_in_touch in_touch_with number_for \
s_birthday whose_number telephone_number mother father brother sister cousin neighbour their_number his_number \
her_number who_do_i_know what_is_the_number how_to_reach where_do_i_reach phone_of email_of birthday
customer crm: client user account lead prospect sales pipeline deal
flight airport: fly plane airline travel trip fly_to flights plane_ticket cheapest_way_to layover depart boarding
hotel room: stay accommodation overnight night lodging trip apartment place_to_stay somewhere_to_stay \
bed_and_breakfast check_in check_out rooms sleep
journey itinerary travel trip holiday: days_in weekend_in week_in vacation holidays visit sightseeing road_trip tour \
honeymoon backpacking getaway what_to_do what_to_see travelling traveling city_break sights budget spend_a_week \
going_to days_off tourist itinerary_for where_to_stay things_to_do weeks_in weekend_trip day_trip travel_plan see_in
book reserve reservation: ticket seat table tonight table_for tickets_for two_people reservations
music song playlist: play band jazz rock artist listen put_on_some play_some lyrics album singer tune
light lamp: bulb brightness dim bright switch turn_on_the_light lights_off lights_on switch_off switch_on
heating thermostat: cold warm hot heat cool too_cold too_hot degrees_in_the warmer cooler radiator
lock door: close closed open key house front_door locked unlocked secure_the_house
camera: photo surveillance watch who_is_at_the_door watch_the
note notes memo: jot jot_down write_down take_down wrote_down write_this_down scribble keep_a_note take_a_note \
note_this put_on_record for_later
task tasks todo to_do: to_do_list have_to_do left_to_do list checklist tick_off progress steps keep_track track \
todos plan_the_work break_down what_is_left outstanding checklist_for to_dos sub_tasks subtasks next_step \
progress_on mark_as_done to_my_list put_on_my_list on_my_plate tasks_for
task_list plan_work: plan multi_step break_down steps progress track
memory remember long_term conversations: recall forget earlier knowledge preference prefer told_you i_told \
keep_in_mind remember_that remember_my last_time next_time previously from_now_on for_later future long_run \
permanently allergic bear_in_mind favourite recall_what my_name call_me
store_a_fact remember facts preferences long_term_memory: remember_that keep_in_mind bear_in_mind make_a_note \
note_that from_now_on for_next_time for_later permanently in_future i_prefer memorise memorize always_use from_now \
always_call name_is birthday_is my_preferences note_for_later for_the_future remind_yourself learn_that \
don_t_forget_that never_forget save_that allergic_to i_like i_hate is_called my_dog my_wife my_son my_daughter
facts preferences decisions earlier_conversations past_conversations recall: did_i_tell i_told told_you did_i_say \
i_said did_we what_do_you_know do_you_remember you_remember last_time my_favourite mentioned_before talked_about \
have_i_told what_s_my what_is_my whats_my we_agreed you_recall what_did_we remember_what remember_about \
do_you_know_my who_is_my what_was_my my_preferences i_tell tell_you i_mention earlier_chat last_session who_am_i \
our_last have_i where_i what_do_i my_wife my_son my_daughter my_dog my_cat s_name s_birthday my_usual i_usually \
i_like
step reason thought thinking: think problem think_through reason_about logically
ask clarifying clarify question: unclear ambiguous ambiguity confirm confirmation which_one which_of prefer \
clarification let_the_user human unsure not_sure choose did_they_mean do_they_mean what_do_they permission approval \
check_with ask_the_user ask_them ask_him ask_her check_with_me ask_me ask_before confirm_with option_i let_me_decide \
let_me_choose choose_between need_to_know get_confirmation find_out_from unclear_what missing_information wants_to \
don_t_know_whether don_t_know_which don_t_know_what dont_know whether_they not_clear get_permission \
before_going_ahead go_ahead before_you_proceed before_proceeding unsure_which more_details which_did needs_to_decide \
sign_off okay_from
form field: fill complete questionnaire application fill_out fill_in
survey questionnaire poll: opinion answers ask_people respondents
pdf: document page pages paper contract manual chapter brochure page_range annual_report leaflet whitepaper \
white_paper page_number on_page ebook
merge combine: join concatenate put_together one_document into_one single_file
split divide separate: cut pieces break_up only_pages separate_files in_half
spreadsheet excel workbook xlsx worksheet: xls sheet pivot cell cells cell_range csv tab column columns ods \
google_sheet formula row rows budget worksheets open_the_sheet table_in total_column financial_figures accounting
presentation present slide slides powerpoint deck pptx: keynote talk pitch presenting speaker audience board \
conference kickoff give_a_talk tell_a_story talk_about town_hall storyline have_to_present presenting_to bullets \
investors pitch_to
docx document documents word_document word_documents: word letter report tracked_changes memo formatted_document doc
csv tabular: table dataset data rows spreadsheet first_rows comma
data dataset analysis: analyse explore insight pandas interesting what_does_the_data patterns_in trends numbers_tell
duplicate duplicates clean messy cleaning: duplicated deduplicate missing_values dirty blanks blank inconsistent \
spellings tidy tidy_up outliers nulls empty_cells typos normalise standardise wrangle garbage mixed_types empty \
missing inconsistently formats misspelt spelled_differently clean_up cleanup fix_the_data invalid_rows sanitize \
dataset_is_a_mess different_spellings appears_twice same_person several_times entered_twice missing_entries
review reviewing: inspect audit feedback critique patch look_over look_at_my comments_on opinion second_pair
code_review review_a_change pull_request reviewing: look_over my_patch my_changes my_pr pr feedback merge \
before_i_merge ready_to_merge diff critique nitpick mistakes_in my_branch have_a_look ok_to_merge my_code \
this_change this_patch quality_of_the_code approve branch_before
security vulnerability threat: hole exploit risk safe attack attacker hacker vulnerabilities hacked leaked \
safe_to_use penetration injection
personal privacy redact anonymise: sensitive gdpr hide remove_names black_out anonymous personal_data
changelog release release_notes: version notes what_is_new what_s_new whats_new new_version new_features announce \
published upgrade shipped shipping since_the_last highlights what_changed improved what_have_we \
summarise_the_changes for_customers announce_version new_in version_notes fixed_in
docs reference readme: document documentation explain manual how_does_this_work api_docs explain_how
wiki confluence: page document knowledge team internal_docs company_knowledge
brand corporate: company identity font logo colors
design interface frontend: ui ux layout landing page beautiful component react website mockup prototype web_app \
good_looking
theme colour color: palette font
art generative: creative pattern canvas paint
communication newsletter status: update announce announcement weekly team company
marketing seo: google ranking keyword campaign advert visitors search_engines findable more_visitors
accessibility wcag disabilities: blind disabled contrast screen_reader a11y keyboard_only colour_blind impaired \
wheelchair usable_by_everyone barrier barriers ada aria deaf visually blind_users keyboard usable assistive \
visually_impaired people_with alt_texts colour_contrast inclusive everyone_can
social twitter: tweet facebook linkedin instagram post tweets hashtag followers
exception traceback error debug debugging: crash fix fault failure bug failing broken stack_trace does_not_work \
doesn_t_work why_does_it_crash throws what_causes weird_error error_message
minutes meeting transcript action_items: decision decided decisions agreed discussed standup workshop our_call \
the_call write_up takeaways next_steps follow_ups recap write_up_the we_agreed_in who_has_to action_points \
outcome_of_the notes_from_the_meeting notes_from_the_call rough_notes send_round
contract legal: law lawyer clause agreement nda lease sign terms small_print fine_print legally before_i_sign
resume cv job job_application employer: hire hiring career vacancy application apply applying cover interview \
position recruiter job_opening this_opening motivation motivation_letter job_ad candidate internship get_this_job \
for_this_job apply_for_a apply_for_the write_an_application application_letter job_offer dream_job hire_me \
position_as motivate why_i_want_to_work
recipe cooking: cook food ingredient meal dish eat bake dinner what_can_i_cook what_can_i_make leftovers ingredients \
for_dinner baking
nutrition nutrient calorie: diet food protein vitamin healthy eat how_healthy fat sugar carbs kcal calories_in
training workout exercise: fit fitness gym marathon muscle lose_weight get_fit half_marathon gym_plan exercises
drug medication medicine: pill dose tablet doctor side_effects dosage tablets take_with prescription interactions
medical health symptom: disease doctor sick pain ill headache hurts fever what_could_it_be ache cough
cpu process_control process: usage monitor ram eating_memory slow_computer processes
schedule cron: every daily weekly recurring automatically every_day every_week every_monday at_midnight each_night \
nightly regularly
plan planning project: roadmap milestone organise timeline phases kick_off how_to_approach
agent subagent delegate: assistant subtask hand_off hand_over in_parallel parallel separately independently helper \
in_the_background on_its_own meanwhile research_this offload someone_else worker farm_out another_agent while_you \
let_another someone_else_do in_the_meantime at_the_same_time
predict prediction learning: model train machine forecast next_month_s expected_value projection will_be
sql speed_up tuning execution_plan optimise optimize performance: slow faster quicker speed sluggish takes_forever \
takes_too_long bottleneck index explain slow_query timeout timing_out really_slow report_is_slow make_it_faster \
endpoint takes_minutes missing_index slow_report full_scan speed_it_up
mcp server: integrate connect protocol
money price: cost expensive cheap
"""
